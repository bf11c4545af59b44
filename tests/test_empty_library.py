"""A library that starts empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.answering.empty_library import EMPTY_LIBRARY
from rag.errors import IndexMismatchError, IndexMissingError, QuestionError
from rag.library import index_paths, remove
from rag.pipeline import RAG
from rag.schema import Answer, Filters, SourcesEvent, TextEvent
from rag.settings import load_settings
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

QUESTION = "What FID does Muse reach on CC3M?"


@pytest.fixture
def empty(tmp_path: Path, embedder: HashEmbedder) -> Iterator[RAG]:
    settings = load_settings(index=tmp_path / "index", min_similarity=-1.0)
    llm = ScriptedLLM(lambda messages: "It is 6.06 [1].")
    parts = {"embedder": embedder, "llm": llm, "verifier": NumberVerifier()}
    with RAG(settings, **parts, missing_ok=True) as rag:
        yield rag


def test_it_counts_nothing_finds_nothing_and_says_so(empty: RAG) -> None:
    info = empty.info()
    assert [info[name] for name in ("records", "papers", "works", "chunks")] == [0, 0, 0, 0]
    assert info["languages"] == {}
    assert empty.is_empty
    assert empty.search(QUESTION) == []
    assert empty.paper("0" * 16) is None
    assert empty.notices == {}
    assert (empty.prefill().papers, empty.prefill().read) == (0, 0)
    empty.warm()


@pytest.mark.parametrize(("question", "language"), [(QUESTION, "en"), ("雪深误差是多少？", "zh")])
def test_a_question_is_answered_honestly_without_the_model(empty: RAG, question: str, language: str) -> None:
    sources, text, answer = empty.ask(question, stream=True)
    assert isinstance(sources, SourcesEvent)
    assert isinstance(text, TextEvent)
    assert isinstance(answer, Answer)
    assert answer.answer == text.delta == EMPTY_LIBRARY[answer.language]
    assert (answer.language, answer.refused, answer.citations, answer.contexts) == (language, False, (), ())
    assert isinstance(empty.llm, ScriptedLLM)
    assert empty.llm.chats == []


def test_bad_questions_are_refused_as_ever(empty: RAG) -> None:
    with pytest.raises(QuestionError):
        empty.ask(" ")
    with pytest.raises(QuestionError):
        empty.search(QUESTION, k=0)


def test_it_sees_the_index_as_soon_as_there_is_one(
    empty: RAG, small_corpus: Path, embedder: HashEmbedder
) -> None:
    index_paths([small_corpus], empty.settings.index, embedder=embedder)
    assert not empty.is_empty
    assert empty.info()["works"] == 3
    assert "6.06" in empty.ask(QUESTION).answer
    assert empty.ask(QUESTION, filters=Filters(language="en")).citations


def test_it_is_empty_again_once_all_is_taken_out(
    empty: RAG, small_corpus: Path, embedder: HashEmbedder
) -> None:
    index = empty.settings.index
    index_paths([small_corpus], index, embedder=embedder)
    assert not empty.is_empty
    remove(["a.txt", "b.txt"], index, embedder=embedder)
    assert empty.ask(QUESTION).answer == EMPTY_LIBRARY["en"]
    shutil.rmtree(index)
    assert empty.ask(QUESTION).answer == EMPTY_LIBRARY["en"]


def test_an_index_of_another_model_is_an_error_all_the_same(
    small_corpus: Path, embedder: HashEmbedder, tmp_path: Path
) -> None:
    index_paths([small_corpus], tmp_path / "index", embedder=HashEmbedder("other"))
    with pytest.raises(IndexMismatchError):
        RAG(load_settings(index=tmp_path / "index"), embedder=embedder, missing_ok=True)


def test_a_missing_index_is_an_error_unless_allowed(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError):
        RAG.open(tmp_path / "none")
    with RAG.open(tmp_path / "none", missing_ok=True) as rag:
        assert rag.info()["works"] == 0
