"""What an open library prepares while no question is asked, so that later answers start sooner."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from rag.answering.generation.prefill import Prefill, prefill
from rag.answering.highlights import embed_sentences
from rag.asking.parts import Parts
from rag.llm.base import LLM
from rag.llm.size import reads_together
from rag.schema import Progress
from rag.store.index import Store


def untold(stage: str, done: int, total: int) -> None:
    """Tell nobody how far it is."""


class Idle:
    """Prompt caches and sentence vectors, made between questions."""

    def __init__(self, parts: Parts, is_asked: Callable[[], bool]) -> None:
        """Prepare the library of `parts`, and wait while `is_asked` returns True."""
        self._parts = parts
        self._is_asked = is_asked
        self._told: tuple[tuple[str, str], Prefill] | None = None

    @property
    def prefilled(self) -> Prefill | None:
        """How far `prefill` has come in the present state of the library; None if it has not begun."""
        told = self._told
        return told[1] if told and told[0] == self._parts.state else None

    def prefill(self, progress: Progress, stop: threading.Event) -> Prefill:
        """Pre-compute the prompt cache of every abstract; see `RAG.prefill`."""
        parts = self._parts
        done: Prefill | None = None

        def told(stage: str, read: int, papers: int) -> None:
            self._told = state, Prefill(read, papers)
            progress(stage, read, papers)

        while done is None:
            lease, state = parts.in_use.lease(), parts.state
            # A chat that reads several abstracts begins with none of them.
            if parts.is_empty or reads_together(lease.llm, parts.settings.abstracts_per_chat):
                return Prefill(0, 0)
            with parts.index.reading() as store:
                papers = store.catalog.papers()
            done = prefill(
                lease.llm,
                papers,
                stop,
                self._is_asked,
                told,
                evidence_tokens=parts.settings.evidence_tokens,
                outdated=partial(self._changed_since, store, lease.llm),
            )
            lease.end()
        return done

    def embed_sentences(self, stop: threading.Event) -> int:
        """Embed the sentences of the abstracts; see `RAG.embed_sentences`."""
        if self._parts.is_empty:
            return 0
        with self._parts.index.reading() as store:
            papers = store.catalog.papers()
        return embed_sentences(self._parts.loaded_embedder(), papers, stop, self._is_asked)

    def _changed_since(self, store: Store, llm: LLM) -> bool:
        if self._parts.is_missing or llm is not self._parts.in_use.llm:
            return True
        with self._parts.index.reading() as now:
            return now is not store
