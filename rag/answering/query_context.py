"""One question with all that answering it needs: its vector, and the sentences of the abstracts found for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rag.answering.context import ContextSentences
from rag.answering.generation.messages import readable
from rag.answering.verification.facts import missing_names
from rag.embedding.base import Vectors
from rag.schema import Language


@dataclass(frozen=True)
class QueryContext:
    """One question, after earlier turns, with the sentences of its contexts and its aligned vector (d,)."""

    question: str
    language: Language
    history: Sequence[tuple[str, str]]
    sentences: ContextSentences
    vector: Vectors

    @cached_property
    def unknown_names(self) -> tuple[str, ...]:
        """The names in the question that no context has."""
        return missing_names(self.question, [readable(context.paper) for context in self.sentences.contexts])

    def ranked_contexts(self, gap: float) -> list[int]:
        """Return the numbers of the contexts to ask, the nearest to the question first.

        A context is as near as its nearest sentence. One that lies further than the nearest by more than `gap` (cosine)
        is not asked.
        """
        nearest = self.sentences.nearest(self.question, self.vector)
        least = max(nearest, default=0.0) - gap
        ranked = sorted(enumerate(nearest, 1), key=lambda pair: -pair[1])
        return [number for number, near in ranked if near >= least]
