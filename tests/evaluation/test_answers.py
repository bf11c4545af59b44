"""Answers measured on a data set: asked once, kept, scored again, with a scripted language model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import CorpusError, LibraryIndexError, LLMUnreachableError, SettingsError
from rag.evaluation.answers import KeptAnswers, answer_all, answers_document, kept_answers_path, verdict
from rag.evaluation.datasets.loading import load_dataset, without_relevant
from rag.evaluation.plots import plot_risk_coverage
from rag.evaluation.qrels import QueryWithQrels, resolve_qrels
from rag.evaluation.scoring import is_wrong
from rag.pipeline import RAG
from rag.store.index import open_store
from tests import bad_endpoint
from tests.conftest import ROOT, ScriptedLLM
from tests.evaluation.test_datasets import write
from tests.evaluation.test_retrieval import own_cache
from tests.integration.test_cli import assert_one_sentence, run

QUESTIONS = [
    {"id": "fid", "question": "What FID does Muse reach?", "relevant": ["Muse is"], "answer": [r"6\.06"]},
    {
        "id": "bees",
        "question": "How many hives of bees?",
        "relevant": ["honey bees"],
        "answer": ["twelve", "12"],
    },
    {"id": "paris", "question": "What is the capital of France?"},
]


def script(messages: Any) -> str:
    question = messages[-1].content.rpartition("Question:")[2]
    if "Muse" in question:
        return "It reaches 6.06 [1]."
    return "NOT FOUND" if "France" in question else "Traffic noise lowers foraging [1]."


@pytest.fixture
def library(open_rag: Callable[..., RAG], tmp_path: Path) -> tuple[RAG, list[QueryWithQrels]]:
    rag = open_rag(script)
    dataset = load_dataset(write(tmp_path / "mine.jsonl", *QUESTIONS))
    with closing(open_store(rag.settings.index)) as store:
        return rag, resolve_qrels(dataset, store)


def test_answers_are_scored_and_a_second_run_asks_nothing(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    rows = list(answer_all(rag, judged, KeptAnswers(tmp_path / "kept.jsonl")))
    assert [verdict(row) for row in rows] == ["right, cited", "WRONG, cited", "refused"]
    assert rows[0].in_first_3
    assert rows[1].right is False
    assert isinstance(rag.llm, ScriptedLLM)
    asked = len(rag.llm.chats)
    assert list(answer_all(rag, judged, KeptAnswers(tmp_path / "kept.jsonl"))) == rows
    assert len(rag.llm.chats) == asked
    again = list(answer_all(rag, judged, KeptAnswers(tmp_path / "kept.jsonl", fresh=True)))
    assert len(rag.llm.chats) == 2 * asked
    assert [row.right for row in again] == [row.right for row in rows]


class Interrupted:
    """Is stopped by Ctrl-C at the second question."""

    def __init__(self, rag: RAG, error: BaseException) -> None:
        self.rag, self.error, self.asked = rag, error, 0

    def ask(self, question: str, history: Sequence[tuple[str, str]] = ()) -> Any:
        self.asked += 1
        if self.asked == 2:
            raise self.error
        return self.rag.ask(question, history)


def test_a_stopped_run_goes_on_where_it_was(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    with pytest.raises(KeyboardInterrupt):
        list(answer_all(Interrupted(rag, KeyboardInterrupt()), judged, KeptAnswers(tmp_path / "kept.jsonl")))
    counted = Interrupted(rag, AssertionError("asked twice"))
    counted.asked = 2
    rows = list(answer_all(counted, judged, KeptAnswers(tmp_path / "kept.jsonl")))
    assert counted.asked == 2 + 2
    assert len(rows) == 3


def test_a_question_after_others_is_asked_with_them_and_kept_apart(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    earlier = (("What is Muse?", "A Transformer [1]."),)
    later = replace(judged[0], query=replace(judged[0].query, text="And its FID?", history=earlier))
    assert isinstance(rag.llm, ScriptedLLM)
    for _ in range(2):
        assert len(list(answer_all(rag, [judged[0], later], KeptAnswers(tmp_path / "kept.jsonl")))) == 2
    said = [" ".join(message.content for message in chat) for chat in rag.llm.chats]
    assert ["What is Muse?" in chat for chat in said] == [False, *[True] * (len(said) - 1)]


def test_an_error_costs_one_question_and_it_is_asked_again(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    failing = Interrupted(rag, LLMUnreachableError("The endpoint does not answer."))
    rows = list(answer_all(failing, judged, KeptAnswers(tmp_path / "kept.jsonl")))
    assert [row.error is None for row in rows] == [True, False, True]
    assert (rows[1].right, rows[1].cited) == (False, False)
    assert "LLMUnreachableError" in verdict(rows[1])
    again = list(answer_all(failing, judged, KeptAnswers(tmp_path / "kept.jsonl")))
    assert failing.asked == 4
    assert [row.error for row in again] == [None] * 3


def test_a_line_that_was_cut_short_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "kept.jsonl"
    KeptAnswers(path).put("one", {"answer": "1"})
    with path.open("a", encoding="utf-8") as file:
        file.write('\n{"question": "two", "ans')
    KeptAnswers(path).put("three", {"answer": "三"})
    with path.open("ab") as file:
        file.write('\n{"question": "四'.encode()[:-1] + b'\n3\n{"question": "five"}')
    KeptAnswers(path).put("six \ud800", {"answer": "6"})
    kept = KeptAnswers(path)
    assert (kept.get("one"), kept.get("two"), kept.get("three")) == ({"answer": "1"}, None, {"answer": "三"})
    assert (kept.get("five"), kept.get("six \ud800")) == (None, {"answer": "6"})
    assert kept.given == 3


def test_answers_that_cannot_be_kept_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(LibraryIndexError, match=r"free some space, or give another place with RAG_CACHE\.$"):
        KeptAnswers(tmp_path / "file" / "kept.jsonl").put("one", {"answer": "1"})


def test_answers_of_another_library_model_or_setting_are_kept_apart(
    open_rag: Callable[..., RAG], tmp_path: Path
) -> None:
    settings = open_rag("x").settings
    others = [
        kept_answers_path(tmp_path, settings, "g2", "llm"),
        kept_answers_path(tmp_path, settings, "g1", "another"),
        kept_answers_path(tmp_path, settings.model_copy(update={"top_k": 5}), "g1", "llm"),
        kept_answers_path(tmp_path, settings, "g1", "llm"),
    ]
    assert len(set(others)) == 4
    slower = settings.model_copy(update={"threads": 1, "index": tmp_path})
    assert kept_answers_path(tmp_path, slower, "g1", "llm") == others[3]


def test_the_document_holds_figures_and_whole_answers_and_no_key(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    rows = list(answer_all(rag, judged, KeptAnswers(tmp_path / "kept.jsonl")))
    dataset = load_dataset(tmp_path / "mine.jsonl")
    document = json.loads(
        json.dumps(answers_document(dataset, {"generation": "g"}, "llm", rag.settings, rows))
    )
    assert document["summary"]["answerable"]["all"]["right"]["successes"] == 1
    assert document["dataset"] == {
        "name": dataset.name, "form": "questions", "digest": dataset.digest, "questions": 3, "asked": 3,
    }  # fmt: skip
    assert document["config"]["settings"]["top_k"] == 3
    assert "llm_api_key" not in document["config"]["settings"]
    assert document["rows"][0]["answer"]["answer"].startswith("It reaches 6.06")


def test_without_times_no_seconds_are_given(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    rows = list(answer_all(rag, judged, KeptAnswers(tmp_path / "kept.jsonl")))
    dataset = load_dataset(tmp_path / "mine.jsonl")
    for timed in (True, False):
        document = answers_document(dataset, {}, "llm", rag.settings, rows, timed=timed)
        assert document["timed"] is timed
        told = document["summary"]["answerable"]["all"]["median seconds in all"]["median"]
        assert [told is not None, *(row["total_s"] is not None for row in document["rows"])] == [timed] * 4
    assert all(row.first_token_s is not None for row in rows)


def test_questions_of_groups_are_laid_out_by_them(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    grouped = [
        replace(question, query=replace(question.query, cell="en-en", kind="number")) for question in judged
    ]
    rows = list(answer_all(rag, grouped, KeptAnswers(tmp_path / "kept.jsonl")))
    document = answers_document(load_dataset(tmp_path / "mine.jsonl"), {}, "llm", rag.settings, rows)
    assert document["table"].startswith("| cell")
    assert document["groups"]["kind"]["number"]["refused"]["successes"] == 1
    assert [row["kind"] for row in document["rows"]] == ["number"] * 3


def test_wrong_answers_are_drawn_over_the_answers_given(
    library: tuple[RAG, list[QueryWithQrels]], tmp_path: Path
) -> None:
    rag, judged = library
    rows = list(answer_all(rag, judged, KeptAnswers(tmp_path / "kept.jsonl")))
    assert [is_wrong(row) for row in rows] == [False, True, False]
    told = [replace(row, confidence=share) for row, share in zip(rows, (0.9, 0.4, 0.1), strict=True)]
    for name, shown in (("some", told), ("none", rows)):
        plot_risk_coverage("meine Fragen 问题", shown, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(SettingsError, match=r"name a \.png file"):
        plot_risk_coverage("x", told, tmp_path / "no such folder" / "x.png")


def test_without_relevant_documents_every_question_has_to_be_refused(tmp_path: Path) -> None:
    record = {"id": 0, "query": "Who won?", "answer": "A", "positive": ["A won."], "negative": ["C played."]}
    dataset = without_relevant(load_dataset(write(tmp_path / "rgb.jsonl", record)))
    assert [document.text for document in dataset.documents] == ["C played."]
    assert [(query.answerable, query.answers, query.relevant) for query in dataset.queries] == [
        (False, (), {})
    ]
    with pytest.raises(CorpusError, match="--without-relevant"):
        without_relevant(load_dataset(ROOT / "benchmarks" / "data" / "corpus"))


def test_a_missing_index_is_one_sentence_before_any_model(tmp_path: Path) -> None:
    result = run("evaluate", "answers", "benchmarks/data/corpus", "--index", str(tmp_path / "none"))
    assert_one_sentence(result, 2)
    assert "rag index" in result.stderr


def test_a_file_to_compare_with_that_is_no_result_is_told_before_anything_else(tmp_path: Path) -> None:
    file = write(tmp_path / "before.json", {"what": 1})
    result = run(
        "evaluate",
        "answers",
        "benchmarks/data/corpus",
        "--compare",
        str(file),
        "--index",
        str(tmp_path / "none"),
    )
    assert_one_sentence(result, 2)
    assert "name another file with --compare" in result.stderr


@pytest.mark.models
def test_the_command_asks_an_endpoint_once_and_prints_the_table(tmp_path: Path) -> None:
    """The embedding model is real, the language model an endpoint that always says the same."""
    texts = ["Muse reaches an FID of 6.06 on CC3M.", "We count honey bees at 12 hives in summer."]
    records = [
        {"id": i, "query": query, "answer": answer, "positive": [text], "negative": []}
        for i, (query, answer, text) in enumerate(
            zip(["What FID does Muse reach on CC3M?", "How many hives of honey bees?"], ["6.06", "12"], texts, strict=True)
        )
    ]  # fmt: skip
    data = write(tmp_path / "rgb.jsonl", *records)
    output = tmp_path / "out.json"
    with bad_endpoint.serve(bad_endpoint.good("Muse reaches an FID of 6.06 on CC3M [1].")) as endpoint:
        environment = {"RAG_LLM_BASE_URL": endpoint.base_url, "RAG_LLM_MODEL": "m"} | own_cache(tmp_path)
        results = [
            run("evaluate", "answers", str(data), "--json", str(output), **environment) for _ in range(2)
        ]
        assert [result.returncode for result in results] == [0, 0], results[0].stderr
        chats = [request for request in endpoint.requests if "chat/completions" in request]
    assert len(chats) == 2
    assert "| right" in results[1].stdout
    assert "[2/2]" in results[1].stderr
    document = json.loads(output.read_text(encoding="utf-8"))
    assert document["summary"]["answerable"]["all"]["right"]["successes"] == 1


@pytest.mark.models
def test_the_command_records_replies_and_compares_with_an_earlier_run(tmp_path: Path) -> None:
    """The first run asks the endpoint, the second takes what was recorded; both say whether they were timed."""
    folder = tmp_path / "open"
    abstract = "Muse reaches an FID of 6.06 on CC3M."
    write(folder / "library.jsonl", {"id": "a", "title": "Muse", "abstract": abstract})
    asked = {
        "id": "q",
        "question": "What FID does Muse reach on CC3M?",
        "relevant": [abstract],
        "cell": "en-en",
    }
    write(folder / "questions.jsonl", asked | {"answer": ["6.06", "FID"], "wrong": ["COCO"]})
    before, now = tmp_path / "before.json", tmp_path / "now.json"
    with bad_endpoint.serve(bad_endpoint.good("Muse reaches an FID of 6.06 on CC3M [1].")) as endpoint:
        environment = {"RAG_LLM_BASE_URL": endpoint.base_url, "RAG_LLM_MODEL": "m"} | own_cache(tmp_path)
        command = ["evaluate", "answers", str(folder), "--replay"]
        first = run(*command, "--json", str(before), **environment)
        again = run(*command, "--fresh", "--json", str(now), "--compare", str(before), **environment)
        chats = [request for request in endpoint.requests if "chat/completions" in request]
    assert [first.returncode, again.returncode] == [0, 0], first.stderr + again.stderr
    assert len(chats) == 1
    assert first.stdout.startswith("| cell")
    assert ("first word" in first.stdout, "first word" in again.stdout) == (True, False)
    assert "Questions compared: 1." in again.stdout
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in (before, now)]
    assert [document["timed"] for document in documents] == [True, False]
    assert [document["groups"]["cell"]["en-en"]["right"]["successes"] for document in documents] == [1, 1]
