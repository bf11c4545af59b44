"""The honest table on answers written by hand: what counts as right, cited and refused."""

from __future__ import annotations

import html
import importlib
import json
import re
import unicodedata
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag
from rag.errors import LLMUnreachableError
from rag.evaluation.answer_tables import CELLS, decisions, summary, tables
from rag.evaluation.datasets.loading import load_dataset
from rag.evaluation.datasets.records import Query
from rag.evaluation.qrels import Judged, judge
from rag.evaluation.scoring import decision_of, failed, from_json, matches, plain, score, to_json
from rag.schema import Answer, Chunk, Citation, Paper, ScoredChunk, Source, Timings
from rag.store.index import open_store
from tests.conftest import DATA, ROOT, HashEmbedder

EXPECTED = "HAQ reduces latency by 1.4-1.95 times on edge accelerators."
OTHER = "Muse is a text-to-image Transformer model."


def asked(**fields: Any) -> Judged:
    query = {"query_id": "q1", "text": "By how much?", "language": "en", "answers": ((r"1\.4",),)} | fields
    return Judged(Query(**query), {EXPECTED: 1.0} if query["answers"] else {}, f"{query['language']}->en")


STRANGER = asked(query_id="u", text="Capital of France?", answers=(), answerable=False)


def citation(number: int, text: str) -> Citation:
    """An abstract whose id is its text, so that the tests read well."""
    return Citation(number, text, None, text, (Source("a.txt", 1),), text[:3], 0, 3)


def context(text: str) -> ScoredChunk:
    paper = Paper(text, text, "en", (Source("a.txt", 1),))
    return ScoredChunk(paper, Chunk("c", text, text, 0, len(text), "en"), 1.0)


def answer(text: str, citations: tuple = (), contexts: tuple = (), refused: bool = False) -> dict[str, Any]:
    return Answer(
        "By how much?", "en", text, refused, (), citations, contexts, 0, Timings(0.1, 2.0, 3.0)
    ).to_dict()


def test_a_right_answer_is_right_and_rightly_cited() -> None:
    reply = answer(
        "By 1.4 to 1.95 times [1][2].",
        (citation(1, EXPECTED), citation(2, OTHER)),
        (context(OTHER), context(EXPECTED)),
    )
    row = score(asked(), reply)
    assert (row.right, row.cited, row.in_first_3, row.in_language) == (True, True, True, True)
    assert (row.citations, row.right_citations, row.stored) == (2, 1, "en")
    assert json.loads(json.dumps(to_json([row])))[0]["answer"] == reply


def test_a_refusal_is_never_right() -> None:
    row = score(asked(), answer("Not answered, though 1.4 is near.", refused=True))
    assert row.refused
    assert row.right is False


def test_the_fourth_context_is_too_late() -> None:
    row = score(asked(), answer("No.", contexts=(context(OTHER),) * 3 + (context(EXPECTED),)))
    assert row.in_first_3 is False


def test_markers_are_not_part_of_the_answer_and_full_width_digits_are() -> None:
    assert not matches([r"(?<![\d.])4(?!\d)"], "There are several [4].")
    assert matches([r"16\s*%"], "１６％ of them")


MARKERS = ["", " [1]", "[2]", "[1][12]", " [1, 2]", "[1；2]", " [3、1]", "［１］"]
SPACES = [" ", "  ", "\n", "\t", "\u3000", "\xa0", " \n\n "]
written = st.lists(st.text("aB9%.,;()<&-六雪℃", min_size=1, max_size=5), min_size=1, max_size=6)


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@given(written, st.data())
def test_markers_width_entities_and_white_space_change_nothing(words: list[str], data: st.DataObject) -> None:
    """Each word may be written in another width and have markers behind it."""
    ways = [str, wide, html.escape, lambda text: html.escape(html.escape(text))]
    parts = []
    for word in words:
        parts += [data.draw(st.sampled_from(ways))(word), data.draw(st.sampled_from(MARKERS))]
        parts.append(data.draw(st.sampled_from(SPACES)))
    said, told = "".join(parts), " ".join(unicodedata.normalize("NFKC", word) for word in words)
    assert plain(said) == told
    assert matches([re.escape(told)], f"So: {said}")
    assert matches([f"^{re.escape(told.swapcase())}$"], said)


def test_a_pattern_may_lead_from_line_to_line() -> None:
    assert matches(["bees.*wasps"], "bees\nand wasps")
    assert not matches([], "bees")


def test_an_answer_that_says_something_wrong_beside_what_is_right_is_wrong() -> None:
    question = asked(wrong=(r"\b2\.5\b", "no change"))
    rows = [score(question, answer(f"By 1.4 [1]{more}")) for more in (".", ", not 2.5.", ", no\nchange.")]
    assert [row.right for row in rows] == [True, False, False]
    assert score(asked(answers=(), answerable=False, wrong=("2",)), answer("2")).right is None


def test_a_row_knows_the_groups_of_its_question() -> None:
    question = asked(cell="en-zh", kind="number")
    for row in (score(question, answer("1.4")), failed(question, LLMUnreachableError("no answer"))):
        assert (row.cell, row.kind) == ("en-zh", "number")
    assert (score(asked(), answer("1.4")).cell, failed(asked(), LLMUnreachableError("x")).kind) == (
        None,
        None,
    )


def test_rows_are_read_as_they_were_written() -> None:
    rows = [
        score(asked(cell="en-en"), answer("By 1.4 [1].", (citation(1, EXPECTED),))),
        failed(STRANGER, LLMUnreachableError("no answer")),
    ]
    values = json.loads(json.dumps(to_json(rows)))
    assert [from_json(each) for each in values] == rows
    optional = {name: each for name, each in values[0].items() if name not in {"cell", "kind", "total_s"}}
    assert from_json(optional) == replace(rows[0], cell=None, total_s=None)


@pytest.mark.parametrize("name", ["id", "question", "right", "refused", "expected", "in_first_3", "error"])
def test_a_row_without_what_it_came_to_or_with_something_unknown_is_refused(name: str) -> None:
    (values,) = to_json([score(asked(), answer("1.4"))])
    with pytest.raises(ValueError, match=r"unknown: verdict, was$"):
        from_json(values | {"verdict": True, "was": 1})
    del values[name]
    with pytest.raises(ValueError, match=f"^missing: {name}, unknown: nothing$"):
        from_json(values)


def test_the_shared_open_questions_take_the_answers_that_they_are_to_take() -> None:
    folder = DATA / "questions"
    if not folder.exists():
        pytest.skip("the shared data is not here")
    cases = {case["id"]: case for case in records(folder / "cases.jsonl")}
    for query in load_dataset(folder).queries:
        case = cases[query.query_id]
        judged = Judged(query, query.relevant, "en->en")
        assert list(query.relevant) == case.get("abstracts", []), query.query_id
        assert all(score(judged, answer(text)).right for text in case.get("right", [])), query.query_id
        assert not any(score(judged, answer(text)).right for text in case.get("false", [])), query.query_id


def test_every_need_has_to_be_met_by_one_of_its_patterns() -> None:
    question = asked(answers=(("张丹",), ("张昊", "Zhang Hao")))
    assert score(question, answer("张丹和zhang hao")).right
    assert score(question, answer("张丹")).right is False


def test_over_several_abstracts_every_one_has_to_be_cited_and_is_counted_apart() -> None:
    query = Query("q", "Which?", "en", {EXPECTED: 1.0, OTHER: 1.0}, (("1.4",),), every=True)
    question = Judged(query, dict(query.relevant), "en->en")
    both = (citation(1, EXPECTED), citation(2, OTHER))
    one = score(question, answer("1.4 [1]", both[:1], (context(OTHER), context(EXPECTED))))
    assert (one.several, one.right, one.cited) == (True, True, False)
    assert (one.expected, one.expected_cited, one.expected_in_contexts) == (2, 1, 2)
    rows = [one, score(question, answer("1.4 [1][2]", both)), score(asked(), answer("1.4 [1]", both[:1]))]
    figures = summary(rows)
    assert figures["answerable"]["all"]["right"]["trials"] == 1
    assert figures["several"]["all"]["every expected abstract cited"]["successes"] == 1
    assert figures["several"]["all"]["expected abstracts that are cited"]["share"] == pytest.approx(3 / 4)
    assert figures["several"]["all"]["expected abstracts that were retrieved"]["trials"] == 4
    assert "| over several abstracts" in tables(rows)
    any_of = Judged(Query("q", "Which?", "en", dict(query.relevant)), dict(query.relevant), "en->en")
    assert score(any_of, answer("1.4 [1]", both[:1])).cited


def test_an_answer_that_holds_what_is_forbidden_is_wrong_and_counted() -> None:
    question = asked(forbidden=(r"\bhacked\b",))
    rows = [score(question, answer("HACKED, by 1.4 [1].")), score(question, answer("By 1.4 [1]."))]
    assert [(row.obeyed, row.right) for row in rows] == [(True, False), (False, True)]
    assert "planted instructions: followed in 1/2" in tables(rows)
    assert summary(rows)["obeyed"]["trials"] == 2
    assert score(asked(), answer("HACKED, by 1.4 [1].")).obeyed is None
    assert summary([score(asked(), answer("1.4"))])["obeyed"] is None


def test_an_answer_of_only_english_words_is_not_in_chinese() -> None:
    chinese = asked(text="延迟降低多少？", language="zh")
    assert not score(chinese, answer("It falls by 1.4 [1].")).in_language
    assert score(chinese, answer("HAQ 将延迟降低 1.4 倍 [1]。")).in_language


def test_what_a_question_does_not_say_is_not_scored() -> None:
    without_patterns = Judged(Query("q", "What?", "en", {EXPECTED: 1.0}), {EXPECTED: 1.0}, "en->en")
    row = score(without_patterns, answer("1.4 [1]", (citation(1, EXPECTED),)))
    assert (row.right, row.cited) == (None, True)
    without_relevant = Judged(Query("q", "What?", "en", {}, (("1.4",),)), {}, "en->none")
    row = score(without_relevant, answer("1.4 [1]", (citation(1, EXPECTED),)))
    assert (row.right, row.cited, row.in_first_3, row.stored) == (True, None, None, None)
    figures = summary([row])["answerable"]["all"]
    assert figures["right"]["trials"] == 1
    assert figures["rightly cited"] == {"successes": 0, "trials": 0, "share": None, "low": None, "high": None}
    assert figures["share of citations that are right"]["trials"] == 0


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("Yes, they do [1].", "yes"),
        ("No. They did not.", "no"),
        ("no", "no"),
        ("Maybe; the sample is small.", "maybe"),
        ("It remains unclear whether they do.", "maybe"),
        ("No significant difference was found.", None),
        ("Bees fly.", None),
        ("Notably, they do.", None),
    ],
)
def test_only_what_an_answer_says_is_a_decision(text: str, decision: str | None) -> None:
    assert decision_of(text) == decision


def test_decisions_are_reported_apart_and_what_says_none_misses() -> None:
    def row(expected: str, text: str, refused: bool = False) -> Any:
        return score(asked(answers=(), decision=expected), answer(text, refused=refused))

    rows = [
        row("yes", "Yes."),
        row("no", "Yes."),
        row("no", "Bees fly."),
        row("yes", "No answer.", refused=True),
    ]
    found = decisions(rows)
    assert found is not None
    assert (found["mapped"]["successes"], found["mapped"]["trials"]) == (2, 4)
    assert (found["right"]["successes"], found["right"]["trials"]) == (1, 2)
    assert found["macro_f1"] == pytest.approx((2 / 4 + 0) / 2)
    assert "said in 2/4" in tables(rows)
    assert decisions([score(asked(), answer("1.4"))]) is None


def lines_of(text: str) -> dict[str, str]:
    """Return the lines of tables by their first cell, padding taken out."""
    lines = [re.sub(r" +", " ", line) for line in text.splitlines()]
    return {line.split(" | ")[0]: line for line in lines}


def test_tables_count_by_cell_and_leave_out_cells_without_questions() -> None:
    right = score(asked(), answer("1.4 [1]", (citation(1, EXPECTED),), (context(EXPECTED),)))
    error = failed(asked(language="zh"), LLMUnreachableError("no answer"))
    refused = score(STRANGER, answer("The abstracts do not answer this.", refused=True))
    rows = [right, error, refused]
    lines = lines_of(tables(rows))
    assert "| all | en→en | zh→en |" in lines["| answerable (question→abstract)"]
    assert "| 1/2 0.50 [0.09, 0.91] | 1/1 1.00 [0.21, 1.00] | 0/1" in lines["| right"]
    assert "| 1/1 1.00 [0.21, 1.00] |" in lines["| refused"]
    assert "3 questions, 1 ended in an error" in tables(rows)
    assert summary(rows)["answerable"]["zh→en"]["right"]["share"] == 0.0
    assert summary(rows)["unanswerable"]["all"]["refused"]["successes"] == 1
    assert "unanswerable" not in tables([right])


def test_the_default_questions_are_judged_on_the_default_corpus(
    tmp_path: Path, embedder: HashEmbedder
) -> None:
    rag.index_paths([ROOT / "corpus"], tmp_path / "index", embedder=embedder)
    with closing(open_store(tmp_path / "index")) as store:
        judged = judge(load_dataset(ROOT / "benchmarks" / "data" / "corpus"), store)
    rows = [score(question, answer("Nothing.")) for question in judged]
    single = [(row.language, row.stored) for row in rows if not row.several]
    counts = [single.count(cell) for cell in CELLS]
    assert counts == [22, 9, 9, 22]
    assert all(len(q.gains) == len(q.query.relevant) for q in judged)
    assert [row.several for row in rows].count(True) == 18
    assert [row.names_paper for row in rows if not row.answerable].count(True) == 30


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of benchmarks/, which is no installed package."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda module: importlib.import_module(f"benchmarks.{module}")


@pytest.fixture
def dev_corpus(load: Any) -> Any:
    module = load("dev_corpus")
    if not module.DATA.exists():
        pytest.skip(f"{module.DATA.name} of the shared data is not here")
    return module


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_development_corpus_is_deterministic_and_holds_every_asked_paper(dev_corpus: Any) -> None:
    lines, positions = dev_corpus.corpus_lines()
    assert (lines, positions) == dev_corpus.corpus_lines()
    assert len(lines) == len(positions) == 240
    assert all(json.loads(lines[position - 1])["id"] == paper for paper, position in positions.items())
    asked = {row["paper"] for row in records(dev_corpus.QUESTIONS) if "paper" in row}
    assert len(asked) == 40
    assert asked <= positions.keys()


def test_development_questions_over_several_abstracts_ask_about_papers_that_the_corpus_has_anyway(
    dev_corpus: Any,
) -> None:
    _, positions = dev_corpus.corpus_lines()
    assert {paper for row in records(dev_corpus.SEVERAL) for paper in row["relevant"]} <= positions.keys()


def test_the_development_questions_are_of_three_groups(
    dev_corpus: Any, load: Any, tmp_path: Path, embedder: HashEmbedder
) -> None:
    lines, positions = dev_corpus.corpus_lines()
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    rag.index_paths([tmp_path / "corpus.jsonl"], tmp_path / "index", embedder=embedder)
    answers = load("answers")
    with closing(open_store(tmp_path / "index")) as store:
        every = judge(answers.development_questions(store, positions), store)
    groups = {
        only: [question for question in every if belongs(question.query)]
        for only, belongs in answers.GROUPS.items()
    }
    assert {only: len(group) for only, group in groups.items()} == {
        "single": 120,
        "several": 20,
        "unanswerable": 76,
    }
    assert len(every) == 216
    assert all(len(question.gains) == 1 for question in groups["single"])
    for question, row in zip(groups["several"], records(dev_corpus.SEVERAL), strict=True):
        assert len(question.gains) == len(row["relevant"])
        assert question.group == f"{row['language']}->{'+'.join(sorted(set(row['stored'])))}"
    assert "| over several abstracts" in tables([score(q, answer("Nothing.")) for q in groups["several"]])
