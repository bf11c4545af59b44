"""Select the sentences of the retrieved abstracts that a question needs.

Prefill dominates the time to the first word on a small machine. If whole abstracts exceed the token budget,
the model sees only the sentences that are most relevant to the question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from rag.embedding.alignment import Alignment
from rag.embedding.base import Embedder, Vectors
from rag.schema import ScoredChunk
from rag.text.analyzer import analyze
from rag.text.injection import is_planted
from rag.text.numbers import number_values
from rag.text.sentences import split_sentences

# tuned by benchmarks/evidence.py; see docs/decisions.md#sentence-relevance
# Weights added to a sentence's cosine; higher matters more. The first is for the question's terms in it
# (by idf), the second for the retrieval score of its abstract minus that of the best abstract.
TERMS_WEIGHT = 0.3
CONTEXT_WEIGHT = 0.15
# Relevance added to a sentence with a number if the question asks for one; higher prefers numbers more.
NUMBER_BONUS = 0.1
_GAP = " … "
_WANTS_NUMBER = re.compile(
    r"\bhow (?:many|much|large|big|long|fast|far|often|high|low|small|accurate)\b|\bby how\b"
    r"|\bwhat (?:\w+ )?(?:percentage|share|proportion|number|accuracy|rate|score|speed-?up|factor)\b"
    r"|多少|几[个种项类倍条次篇位层]|多[大高快长久]|百分之|哪[两三四五六]|占比|是几",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ContextSentence:
    """The sentence `contexts[number - 1].paper.text[start:end]`, its index terms and number values."""

    number: int
    start: int
    end: int
    text: str
    terms: frozenset[str]
    numbers: frozenset[Decimal]


class ContextSentences:
    """The sentences of the contexts of one question; they are split and embedded when first needed."""

    def __init__(self, contexts: Sequence[ScoredChunk], embedder: Embedder, alignment: Alignment) -> None:
        """Keep the arguments; nothing is embedded yet."""
        self.contexts = tuple(contexts)
        self.embedder = embedder
        self.alignment = alignment
        self._narrowed: dict[tuple[int, ...], ContextSentences] = {}

    @cached_property
    def items(self) -> tuple[ContextSentence, ...]:
        """All sentences in reading order, without planted instructions."""
        return tuple(
            ContextSentence(
                number,
                start,
                end,
                context.paper.text[start:end],
                frozenset(analyze(context.paper.text[start:end])),
                frozenset(number_values(context.paper.text[start:end], identifiers=True)),
            )
            for number, context in enumerate(self.contexts, 1)
            for start, end in split_sentences(context.paper.text)
            if not is_planted(context.paper.text[start:end])
        )

    @cached_property
    def vectors(self) -> Vectors:
        """The aligned vectors of `items`, shape (n, d)."""
        if not self.items:  # all sentences were planted
            return self.embedder.embed_passages([""])[:0]
        raw = self.embedder.embed_passages([item.text for item in self.items])
        languages = [self.contexts[item.number - 1].paper.language for item in self.items]
        return self.alignment.apply_each(raw, languages, "passage")

    def of(self, numbers: Sequence[int]) -> ContextSentences:
        """Return the contexts with these numbers, renumbered from 1; nothing is embedded twice for them."""
        wanted = tuple(numbers)
        if wanted not in self._narrowed:
            chosen = [self.contexts[number - 1] for number in wanted]
            narrowed = ContextSentences(chosen, self.embedder, self.alignment)
            rows = [i for number in wanted for i, item in enumerate(self.items) if item.number == number]
            new = {number: position for position, number in enumerate(wanted, 1)}
            narrowed.items = tuple(replace(self.items[i], number=new[self.items[i].number]) for i in rows)
            if "vectors" in self.__dict__:  # embedded already
                narrowed.vectors = self.vectors[rows]
            self._narrowed[wanted] = narrowed
        return self._narrowed[wanted]

    def relevance(self, question: str, vector: Vectors) -> list[float]:
        """Return the relevance of each of `items` for a question with the aligned vector (d,)."""
        best = max((context.score for context in self.contexts), default=0.0)
        shares = self.term_shares(question)
        return [
            float(cosine)
            + TERMS_WEIGHT * share
            + CONTEXT_WEIGHT * (self.contexts[item.number - 1].score - best)
            for item, share, cosine in zip(self.items, shares, self.vectors @ vector, strict=True)
        ]

    def term_shares(self, question: str) -> list[float]:
        """Return the share of the question's terms, weighted by idf, that each of `items` has."""
        weights = self._term_weights(question)
        total = sum(weights.values()) or 1.0
        return [sum(weights[term] for term in weights.keys() & item.terms) / total for item in self.items]

    def _term_weights(self, question: str) -> dict[str, float]:
        counts = {
            term: sum(term in item.terms for item in self.items) for term in frozenset(analyze(question))
        }
        return {term: math.log1p(len(self.items) / (1 + count)) for term, count in counts.items()}


def evidence_for(
    sentences: ContextSentences,
    question: str,
    vector: Vectors,
    count_tokens: Callable[[str], int],
    budget: int,
    *,
    number_bonus: float = NUMBER_BONUS,
) -> dict[int, str]:
    """Return the most relevant sentences within `budget` tokens, as one excerpt per context number.

    If all sentences fit, all are returned and nothing is embedded. A title counts once. The best sentence is
    always included.
    """
    titles = [count_tokens(context.paper.title or "") for context in sentences.contexts]
    costs = [count_tokens(item.text) for item in sentences.items]
    if sum(costs) + sum(titles) <= budget:
        return excerpts(sentences, range(len(costs)))
    bonus = number_bonus if wants_number(question) else 0.0
    relevance = [
        own + bonus * bool(item.numbers)
        for own, item in zip(sentences.relevance(question, vector), sentences.items, strict=True)
    ]
    chosen: list[int] = []
    titled: set[int] = set()
    for index in sorted(range(len(relevance)), key=lambda i: (-relevance[i], i)):
        item = sentences.items[index]
        cost = costs[index] + (0 if item.number in titled else titles[item.number - 1])
        if not chosen or cost <= budget:
            chosen.append(index)
            titled.add(item.number)
            budget -= cost
    return excerpts(sentences, chosen)


def wants_number(question: str) -> bool:
    """Return whether a question asks for a number."""
    return bool(_WANTS_NUMBER.search(question))


def excerpts(sentences: ContextSentences, chosen: Sequence[int]) -> dict[int, str]:
    """Return per context number its title and chosen sentences in reading order; " … " marks a gap."""
    found: dict[int, str] = {}
    before: int | None = None
    for index in sorted(chosen):
        item = sentences.items[index]
        paper = sentences.contexts[item.number - 1].paper
        if item.number not in found:
            found[item.number] = (f"{paper.title}. " if paper.title else "") + item.text
        elif before == index - 1:
            found[item.number] += paper.text[sentences.items[before].end : item.end]
        else:
            found[item.number] += _GAP + item.text
        before = index
    return found
