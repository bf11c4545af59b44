"""Prefill prompt caches of abstracts while no question is answered, so that later answers start sooner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from rag.answering.generation.messages import prefill_chats
from rag.llm.base import LLM
from rag.schema import Paper, Progress

# Seconds to wait after a question interrupted the prefill.
_REST_S = 5.0


@dataclass(frozen=True, slots=True)
class Prefill:
    """How many abstracts have a prompt cache (`read`), of how many `papers`."""

    read: int
    papers: int


def prefill(
    llm: LLM,
    papers: Sequence[Paper],
    stop: Event,
    busy: Callable[[], bool] = lambda: False,
    progress: Progress = lambda stage, done, total: None,
    *,
    evidence_tokens: int | None = None,
    outdated: Callable[[], bool] = lambda: False,
) -> Prefill | None:
    """Prefill one abstract after the other until all are done, the cache is full, or `stop` is set.

    It waits while `busy` returns True. It returns None once `outdated` says that `papers` are no longer those
    of the index. `evidence_tokens` is the setting of `Answerer`. Raises LLMError or ModelError.
    """
    for done, paper in enumerate(papers):
        if outdated():
            return None
        progress("Reading ahead", done, len(papers))
        for chat in prefill_chats(paper, evidence_tokens):
            outcome = "interrupted"
            while outcome == "interrupted" and not stop.is_set():
                outcome = "interrupted" if busy() else llm.prefill(chat)
                if outcome == "interrupted":
                    stop.wait(_REST_S)
            if outcome != "cached":
                return Prefill(done, len(papers))
    progress("Reading ahead", len(papers), len(papers))
    return Prefill(len(papers), len(papers))
