"""A question with all that answering it needs: its vector and the sentences of the abstracts found for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rag.answering.context import ContextSentences
from rag.answering.generation.messages import abstract_text
from rag.answering.verification.facts import missing_names
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

    @cached_property
    def unknown_names(self) -> tuple[str, ...]:
        """The names in the question that no context has."""
        texts = [abstract_text(context.paper) for context in self.sentences.contexts]
        return missing_names(self.question, texts)

    def ranked_contexts(self, gap: float) -> list[int]:
        """Return the numbers of the contexts to ask about, the most relevant first.

        A context whose best sentence is less relevant than the best of all by more than `gap` is left out.
        """
        relevance = self.sentences.context_relevance(self.question, self.vector)
        least = max(relevance, default=0.0) - gap
        ranked = sorted(enumerate(relevance, 1), key=lambda pair: -pair[1])
        return [number for number, own in ranked if own >= least]
