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
        near = self.within(gap)
        contexts = enumerate(self.sentences.contexts, 1)
        return [number for number, context in contexts if number in (1, *near) or context.dense is None]

    def within(self, gap: float) -> list[int]:
        """Return the numbers of the contexts whose cosine is lower than the best by at most `gap`."""
        found = {number: context.dense for number, context in enumerate(self.sentences.contexts, 1)}
        cosines = {number: cosine for number, cosine in found.items() if cosine is not None}
        least = max(cosines.values(), default=0.0) - gap
        return [number for number, cosine in cosines.items() if cosine >= least]
