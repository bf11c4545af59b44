"""Have the embedded language model read abstracts while nobody asks, so that an answer about one begins at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from rag.answering.generation.messages import readings
from rag.llm.base import LLM
from rag.schema import Paper, Progress

# How long it waits after it has been in somebody's way.
_REST_S = 5.0


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """How many of how many abstracts the model need not read again."""

    read: int
    papers: int


def read_ahead(
    llm: LLM,
    papers: Sequence[Paper],
    stop: Event,
    busy: Callable[[], bool] = lambda: False,
    progress: Progress = lambda stage, done, total: None,
    *,
    evidence_tokens: int | None = None,
    outdated: Callable[[], bool] = lambda: False,
) -> ReadAhead | None:
    """Read one abstract after the other until all are read, no more can be kept, or `stop` is set.

    While `busy` says that a question is being answered nothing is read. Returns None once `outdated` says that these are no
    longer the papers of the index. `evidence_tokens` as `rag.answering.answerer.Responder` has it. Raises LLMError or ModelError.
    """
    for done, paper in enumerate(papers):
        if outdated():
            return None
        progress("Reading ahead", done, len(papers))
        for chat in readings(paper, evidence_tokens):
            outcome = "disturbed"
            while outcome == "disturbed" and not stop.is_set():
                outcome = "disturbed" if busy() else llm.read(chat)
                if outcome == "disturbed":
                    stop.wait(_REST_S)
            if outcome != "kept":
                return ReadAhead(done, len(papers))
    progress("Reading ahead", len(papers), len(papers))
    return ReadAhead(len(papers), len(papers))
