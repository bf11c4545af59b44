"""One question with all that answering it needs: its vector, the sentences of its contexts, and which of these to ask first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rag.align import Vectors
from rag.evidence import ContextSentences
from rag.reading import readable
from rag.schema import Language
from rag.verify_features import missing_names

# What an abstract supports weakly is shown where retrieval puts it first too, or so much lower (in its z-scores): all 40 weak
# answers to development and published questions that `rag.abstain` lets pass are such, and 38 of them right.
FIRST_GAP = 0.1


@dataclass(frozen=True)
class Asked:
    """One question, after earlier turns, with the sentences of its contexts and its aligned vector (d,)."""

    question: str
    language: Language
    history: Sequence[tuple[str, str]]
    sentences: ContextSentences
    vector: Vectors

    @cached_property
    def nearest(self) -> list[float]:
        """How near the nearest sentence of each context lies (`ContextSentences.nearest`)."""
        return self.sentences.nearest(self.question, self.vector)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """The names in the question that no context has."""
        return missing_names(self.question, [readable(context.paper) for context in self.sentences.contexts])

    def is_first(self, number: int) -> bool:
        """Return whether no other context scores higher, or hardly; a reranker's scores, or those of two searches, count alike."""
        contexts = self.sentences.contexts
        return contexts[number - 1].score >= contexts[0].score - FIRST_GAP

    def in_turn(self, gap: float) -> list[tuple[int, float]]:
        """Return the numbers of the contexts to ask, the nearest first, each with how near it lies.

        One that lies further than the nearest by more than `gap` is not asked.
        """
        least = max(self.nearest, default=0.0) - gap
        numbered = sorted(enumerate(self.nearest, 1), key=lambda pair: -pair[1])
        return [(number, near) for number, near in numbered if near >= least]

    def first_in_turn(self, gap: float) -> list[tuple[int, float]]:
        """Return the same, but what retrieval puts first is asked first, however far it lies.

        Nearness counts shared terms, which only abstracts in the question's language have; retrieval lets them push no other
        language down. On 119 answerable and 62 other development questions, and 56 published ones, that changes two outcomes,
        both of RGB: one more is answered right, one wrong.
        """
        turns = self.in_turn(gap)
        first = [(1, self.nearest[0])] if self.nearest else []
        return first + [turn for turn in turns if turn[0] != 1]
