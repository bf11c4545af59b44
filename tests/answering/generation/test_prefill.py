"""The embedded model reads abstracts while nobody asks, and is in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from rag.answering.generation.messages import prefill_chats
from rag.answering.generation.prefill import Prefill, prefill
from rag.cli.output import prefill_report
from rag.library import index_paths
from rag.pipeline import RAG
from rag.schema import Paper, Source
from tests.conftest import HashEmbedder, ScriptedLLM

PAPERS = [Paper(f"p{n}", f"Abstract {n} says little.", "en", (Source("a", n),)) for n in range(3)]


class Impatient(Event):
    """Is never waited for; `meanwhile` is what happens instead."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.meanwhile = meanwhile

    def wait(self, timeout: float | None = None) -> bool:
        self.meanwhile()
        return self.is_set()


@pytest.fixture
def llm() -> ScriptedLLM:
    return ScriptedLLM(lambda messages: "")


def test_every_abstract_is_read_once(llm: ScriptedLLM) -> None:
    told: list[tuple[int, int]] = []
    done = prefill(llm, PAPERS, Impatient(), progress=lambda stage, done, total: told.append((done, total)))
    assert done == Prefill(3, 3)
    assert llm.readings == [chat for paper in PAPERS for chat in prefill_chats(paper)]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_it_ends_where_no_more_can_be_kept(llm: ScriptedLLM) -> None:
    llm.outcomes = ["cached", "full"]
    assert prefill(llm, PAPERS, Impatient()) == Prefill(1, 3)
    assert len(llm.readings) == 2


def test_what_was_disturbed_is_read_again(llm: ScriptedLLM) -> None:
    llm.outcomes = ["interrupted", "interrupted", "cached"]
    assert prefill(llm, PAPERS, Impatient()) == Prefill(3, 3)
    assert len(llm.readings) == 5


def test_nothing_is_read_while_a_question_is_answered(llm: ScriptedLLM) -> None:
    left = [True, True, False]
    assert prefill(llm, PAPERS[:1], Impatient(), lambda: left.pop(0)) == Prefill(1, 1)
    assert left == []
    assert len(llm.readings) == 1


def test_it_stops_when_told(llm: ScriptedLLM) -> None:
    stop = Event()
    stop.set()
    assert prefill(llm, PAPERS, stop) == Prefill(0, 3)
    assert llm.readings == []


def test_it_ends_once_the_index_holds_other_papers(llm: ScriptedLLM) -> None:
    outdated = iter([False, True])
    assert prefill(llm, PAPERS, Impatient(), outdated=lambda: next(outdated)) is None
    assert len(llm.readings) == 1


def test_what_is_too_long_to_be_read_whole_is_not_read(llm: ScriptedLLM) -> None:
    assert prefill(llm, PAPERS, Impatient(), evidence_tokens=3) == Prefill(3, 3)
    assert llm.readings == []


def test_a_library_reads_what_it_holds_but_not_while_it_answers(open_rag: Callable[..., RAG]) -> None:
    rag = open_rag()
    assert isinstance(rag.llm, ScriptedLLM)
    answering = rag.ask("What FID does Muse reach?", stream=True)
    next(answering)
    llm, busy = rag.llm, []

    def meanwhile() -> None:
        busy.append(list(llm.readings))
        list(answering)

    llm.outcomes = ["full"]
    stop = Impatient(meanwhile)
    assert rag.prefill(stop=stop) == Prefill(0, 3)
    assert busy == [[]], "nothing was read before the question was answered"
    assert rag.prefill() == Prefill(3, 3)


def test_a_library_that_is_rebuilt_meanwhile_reads_what_it_then_holds(
    open_rag: Callable[..., RAG], small_corpus: Path, embedder: HashEmbedder, tmp_path: Path
) -> None:
    rag = open_rag()
    assert isinstance(rag.llm, ScriptedLLM)

    def rebuild(stage: str, done: int, total: int) -> None:
        if (done, total) == (1, 3):
            (small_corpus / "c.txt").write_text("Otters return to Kamchatka rivers.", encoding="utf-8")
            index_paths([small_corpus], tmp_path / "index", embedder=embedder)

    assert rag.prefill(rebuild) == Prefill(4, 4)
    assert "Otters" in rag.llm.readings[-1][-1].content
    assert len(rag.llm.readings) == 2 + 4


@pytest.mark.parametrize(
    ("done", "endpoint", "says"),
    [
        (Prefill(31, 31), None, "The language model has read 31 of 31 abstracts."),
        (
            Prefill(280, 5000),
            None,
            "has read 280 of 5,000 abstracts; RAG_PROMPT_CACHE_MB=2,000 or the disk has no room for more.",
        ),
        (Prefill(0, 31), "localhost:11434", "is behind localhost:11434, which keeps nothing"),
        (Prefill(0, 0), None, "reads all abstracts in one chat, so none is read ahead"),
    ],
)
def test_what_was_read_is_said(done: Prefill, endpoint: str | None, says: str) -> None:
    assert says in prefill_report(done, endpoint, 2000)
