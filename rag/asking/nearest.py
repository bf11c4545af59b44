"""The abstracts that a question is answered from, and their sentences that stand out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.answerer import SEVERAL_ABSTRACTS
from rag.answering.context import ContextSentences
from rag.answering.highlights import key_sentences
from rag.answering.query_context import QueryContext
from rag.answering.question import is_multi_document
from rag.answering.retrieval import query_vector
from rag.asking.checks import MAX_QUESTION_CHARS, check_sources
from rag.asking.parts import Parts
from rag.browsing.shelf import narrow
from rag.schema import Filters, Highlight, History, Language, ScoredChunk
from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the reader wrote it, and as it is read.

    `text` is what is searched for and answered. Where the question needed the turns before it, `read_as` is
    the same text and `history` is empty. `started` is a reading of `time.perf_counter`.
    """

    question: str
    text: str
    language: Language
    history: History
    read_as: str | None
    started: float

    def seconds(self) -> float:
        """Return how long ago it was asked."""
        return time.perf_counter() - self.started


def found_for(parts: Parts, asked: Asked, filters: Filters | None) -> list[ScoredChunk]:
    """Retrieve for the question; after earlier turns, also for it together with the one before.

    Raises:
        QuestionError: a filter names a source that is not there.
        ModelError: the embedder or the reranker is missing.
    """
    k = parts.settings.top_k
    if is_multi_document(asked.text):
        k = max(k, SEVERAL_ABSTRACTS)
    with parts.index.reading() as store:
        check_sources(store, filters)
        filters = narrow(store, filters)
        found = parts.retrieve(store, asked.text, asked.language, k, filters)
        if not asked.history:
            return found
        together = f"{asked.history[-1][0]} {asked.text}"[-MAX_QUESTION_CHARS:]
        follow = parts.retrieve(store, together, asked.language, k, filters)
    pairs = [context for pair in zip(follow, found, strict=False) for context in pair]
    return list({context.paper.paper_id: context for context in pairs}.values())[:k]


def highlights_of(parts: Parts, asked: Asked, contexts: Sequence[ScoredChunk]) -> tuple[Highlight, ...]:
    """Return the key sentences of the best abstracts, none where none is near the question."""
    if not may_answer(parts.settings, asked, contexts):
        return ()
    embedder = parts.loaded_embedder()
    with parts.index.reading() as store:
        alignment = store.alignment
    sentences = ContextSentences(contexts, embedder, alignment)
    vector = query_vector(embedder, alignment, asked.text, asked.language)[0]
    return key_sentences(QueryContext(asked.text, asked.language, asked.history, sentences, vector), embedder)


def may_answer(settings: Settings, asked: Asked, contexts: Sequence[ScoredChunk]) -> bool:
    """Return whether an abstract is near enough; after earlier turns, any abstract is."""
    nearest = max((c.dense for c in contexts if c.dense is not None), default=-1.0)
    return bool(contexts) and (nearest >= settings.min_similarity or bool(asked.history))
