"""What `rag chat` prepares while nobody asks, for the library and the model that are in use then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread

import pytest

from rag import Prefill
from rag.cli.chat import keep_prepared
from rag.errors import LLMError
from rag.library import index_paths
from rag.llm.base import Message, PrefillOutcome
from rag.pipeline import RAG
from tests.conftest import HashEmbedder, ScriptedLLM

PATIENCE_S = 30


class Looks(Event):
    """An event that is set at the look of a number, and does something at each before it."""

    def __init__(self, *between: Callable[[], object]) -> None:
        super().__init__()
        self._left = list(between)

    def wait(self, timeout: float | None = None) -> bool:
        if not self._left:
            self.set()
        else:
            self._left.pop(0)()
        return self.is_set()


def run(rag: RAG, *between: Callable[[], object]) -> None:
    """Prepare `rag`, and do each of `between` when it would wait for the next look; end at the last."""
    thread = Thread(target=keep_prepared, args=(rag, Looks(*between)))
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_papers_that_are_added_are_prepared_too_and_nothing_twice(
    open_rag: Callable[..., RAG], small_corpus: Path, tmp_path: Path, embedder: HashEmbedder
) -> None:
    rag = open_rag("NOT FOUND")
    seen: list[Prefill | None] = []
    chats: list[int] = []

    def look() -> None:
        seen.append(rag.prefilled)
        assert isinstance(rag.llm, ScriptedLLM)
        chats.append(len(rag.llm.chats))

    def add() -> None:
        (small_corpus / "c.txt").write_text("Otters return to Kamchatka rivers in 1998.", encoding="utf-8")
        index_paths([small_corpus], tmp_path / "index", embedder=embedder)
        look()

    run(rag, look, look, add, look)
    papers = rag.info()["papers"]
    assert seen == [Prefill(papers - 1, papers - 1)] * 2 + [None, Prefill(papers, papers)]
    assert chats[0] == chats[1] < chats[3]


class Broken(ScriptedLLM):
    name = "broken"

    def prefill(self, messages: Sequence[Message]) -> PrefillOutcome:
        raise LLMError("The model has gone.")


def not_found(messages: Sequence[Message]) -> str:
    return "NOT FOUND"


def test_a_model_that_fails_is_told_once_and_another_is_tried(
    open_rag: Callable[..., RAG], capsys: pytest.CaptureFixture[str]
) -> None:
    rag = open_rag("NOT FOUND")
    rag.llm = Broken(not_found)

    def change() -> None:
        rag.llm = ScriptedLLM(not_found)

    run(rag, lambda: None, change, lambda: None)
    assert capsys.readouterr().err == "rag: The model has gone.\n"
    assert rag.prefilled == Prefill(rag.info()["papers"], rag.info()["papers"])
