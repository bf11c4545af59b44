"""The honest table on answers written by hand: what counts as right, cited and refused."""

import importlib
import json
from pathlib import Path

import pytest

from rag.errors import LLMUnreachableError
from rag.schema import Answer, Chunk, Citation, Paper, ScoredChunk, Source, Timings

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = "HAQ reduces latency by 1.4-1.95 times on edge accelerators."
OTHER = "Muse is a text-to-image Transformer model."


@pytest.fixture
def load(monkeypatch):
    """Import a module of benchmarks/, which is no installed package."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda module: importlib.import_module(f"benchmarks.{module}")


@pytest.fixture
def question(load):
    return load("scoring").Question(
        id="q1", text="By how much?", language="en", patterns=(r"1\.4",), substring="HAQ reduces", stored="en"
    )


def citation(number, text, position=1):
    return Citation(number, f"p{number}", None, text, (Source("a.txt", position),), text[:3], 0, 3)


def context(text):
    paper = Paper("p", text, "en", (Source("a.txt", 1),))
    return ScoredChunk(paper, Chunk("c", "p", text, 0, len(text), "en"), 1.0)


def answer(text, citations=(), contexts=(), refused=False):
    return Answer("By how much?", "en", text, refused, (), citations, contexts, 0, Timings(0.1, 2.0, 3.0))


def test_a_right_answer_is_right_and_rightly_cited(load, question):
    reply = answer(
        "By 1.4 to 1.95 times [1][2].",
        (citation(1, EXPECTED), citation(2, OTHER)),
        (context(OTHER), context(EXPECTED)),
    )
    row = load("scoring").score(question, reply)
    assert (row.right, row.cited, row.in_first_3, row.in_language) == (True, True, True, True)
    assert (row.citations, row.right_citations) == (2, 1)
    assert json.loads(json.dumps(row.answer)) == reply.to_dict()


def test_a_refusal_is_never_right(load, question):
    row = load("scoring").score(question, answer("Not answered, though 1.4 is near.", refused=True))
    assert row.refused
    assert not row.right


def test_the_fourth_context_is_too_late(load, question):
    row = load("scoring").score(
        question, answer("No.", contexts=(context(OTHER),) * 3 + (context(EXPECTED),))
    )
    assert not row.in_first_3


def test_markers_are_not_part_of_the_answer_and_full_width_digits_are(load):
    matches = load("scoring").matches
    assert not matches([r"(?<![\d.])4(?!\d)"], "There are several [4].")
    assert matches([r"16\s*%"], "１６％ of them")


def test_an_answer_of_only_english_words_is_not_in_chinese(load):
    scoring = load("scoring")
    chinese = scoring.Question(id="q", text="延迟降低多少？", language="zh", patterns=("1",))
    assert not scoring.score(chinese, answer("It falls by 1.4 [1].")).in_language
    assert scoring.score(chinese, answer("HAQ 将延迟降低 1.4 倍 [1]。")).in_language


def test_a_development_paper_is_found_by_its_record(load):
    asked = load("scoring").Question(id="d", text="?", language="en", patterns=("x",), position=7)
    assert asked.expects(citation(1, OTHER, position=7))
    assert not asked.expects(citation(1, OTHER, position=8))


def test_tables_count_by_cell_and_leave_empty_cells_unscored(load, question):
    scoring, table = load("scoring"), load("table")
    right = scoring.score(question, answer("1.4 [1]", (citation(1, EXPECTED),), (context(EXPECTED),)))
    error = scoring.failed(question, LLMUnreachableError("no answer"))
    stranger = scoring.Question(id="u", text="Capital of France?", language="en")
    refused = scoring.score(stranger, answer("The abstracts do not answer this.", refused=True))
    lines = {line.split(" | ")[0]: line for line in table.tables([right, error, refused]).splitlines()}
    assert "| 1/2 0.50 [0.09, 0.91] | 1/2 0.50 [0.09, 0.91] | - | - | - |" in lines["| right"]
    assert "| 1/1 1.00 [0.21, 1.00] |" in lines["| refused"]
    assert "3 questions, 1 ended in an error" in table.tables([right, error, refused])


def test_the_default_sets_are_read_with_the_abstracts_language(load):
    rows = load("scoring").read_questions(ROOT / "tests" / "data" / "questions.jsonl")
    assert [sum((row.language, row.stored) == cell for row in rows) for cell in load("table").CELLS] == [
        22,
        9,
        9,
        22,
    ]


def test_a_subset_is_the_same_every_time_and_in_order(load):
    subset = load("answers").subset
    assert subset(range(82), 10) == subset(range(82), 10) == sorted(subset(range(82), 10))
    assert subset(range(3), None) == [0, 1, 2]


class Scripted:
    """Stands in for RAG: answers the first question and cannot answer the second."""

    def __init__(self):
        self.asked = 0

    def ask(self, question):
        self.asked += 1
        if self.asked == 2:
            raise LLMUnreachableError("The endpoint does not answer.")
        return answer("1.4 [1]", (citation(1, EXPECTED),))


def test_an_error_costs_one_question_and_progress_goes_to_stderr(load, question, capsys):
    rows = list(load("answers").ask_all(Scripted(), [question] * 3))
    assert [row.error is None for row in rows] == [True, False, True]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "[1/3] q1 right, cited" in shown.err


def test_the_development_corpus_is_deterministic_and_holds_every_asked_paper(load):
    dev_corpus = load("dev_corpus")
    if not dev_corpus.DATA.exists():
        pytest.skip(f"{dev_corpus.DATA.name} of the shared data is not here")
    lines, positions = dev_corpus.corpus_lines()
    assert (lines, positions) == dev_corpus.corpus_lines()
    assert len(lines) == 240
    assert len(positions) == 40
    assert all(json.loads(lines[position - 1])["id"] == paper for paper, position in positions.items())
    questions = load("scoring").read_questions(dev_corpus.QUESTIONS, positions)
    assert sum(question.position is not None for question in questions) == 40
