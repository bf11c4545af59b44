"""A question with all that answering it needs: its vector and the sentences of the abstracts found for it."""

from __future__ import annotations

from dataclasses import dataclass

from rag.answering.context import ContextSentences
from rag.embedding.base import Vectors
from rag.schema import History, Language


@dataclass(frozen=True)
class QueryContext:
    """A question after earlier turns, the sentences of its contexts, and its aligned vector (d,)."""

    question: str
    language: Language
    history: History
    sentences: ContextSentences
    vector: Vectors

    def near_contexts(self, gap: float) -> list[int]:
        """Return the numbers of the contexts to ask about, in the order of retrieval.

        All but the first are left out if their cosine is lower than the best by more than `gap`. One without
        a cosine is kept.
        """
        cosines = [context.dense for context in self.sentences.contexts]
        least = max((cosine for cosine in cosines if cosine is not None), default=0.0) - gap
        near = (cosine is None or cosine >= least for cosine in cosines)
        return [number for number, kept in enumerate(near, 1) if kept or number == 1]
