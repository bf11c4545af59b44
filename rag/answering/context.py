"""The sentences of the retrieved abstracts, and which of them a question needs.

Reading is what a small machine waits for: an answer's first word comes after the model has read its evidence. Where
whole abstracts are more than a budget of tokens, the model is given the sentences nearest to the question.
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

# A sentence's worth for a question is its cosine, plus this much of the question's terms that it holds (weighted by
# how few sentences hold them), plus this much of its abstract's retrieval score, less that of the best abstract. On
# benchmarks/data/dev_questions.jsonl (35 questions whose answer can be recognised in the abstracts), 3 abstracts, the
# answer is among 160, 200 and 250 tokens of sentences for 33, 35 and 35; without the last part for 29, 32 and 34. A
# bonus for the neighbours of a chosen sentence only cost room: 33, 33, 35. 5 abstracts: the same.
TERMS_WEIGHT = 0.3
CONTEXT_WEIGHT = 0.15
# A sentence worth less than the best one by more than this is left out even where there is room: of the 35 answers none
# lies lower (.35: none; .3 loses 2), and what does ("Gemini performed best in evaluation", another paper's) leads a small
# model astray. 1.2 abstracts and 225 tokens are left on average, without a budget.
MAX_GAP = 0.4
_GAP = " … "
# Added to the worth of a sentence that states a number, where the question asks for one. On 96 development questions whose
# answer can be recognised in a retrieved abstract it is among 180, 200 and 220 tokens for 88, 92 and 94, without this for
# 87, 89 and 92; the same from .06 to .15.
NUMBER_BONUS = 0.1
_WANTS_NUMBER = re.compile(
    r"\bhow (?:many|much|large|big|long|fast|far|often|high|low|small|accurate)\b|\bby how\b"
    r"|\bwhat (?:\w+ )?(?:percentage|share|proportion|number|accuracy|rate|score|speed-?up|factor)\b"
    r"|多少|几[个种项类倍条次篇位层]|多[大高快长久]|百分之|哪[两三四五六]|占比|是几",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ContextSentence:
    """The sentence `text == contexts[number - 1].paper.text[start:end]`, its index terms and number values."""

    number: int
    start: int
    end: int
    text: str
    terms: frozenset[str]
    numbers: frozenset[Decimal]


class ContextSentences:
    """The sentences of the contexts of one question, split and embedded once, when first needed."""

    def __init__(self, contexts: Sequence[ScoredChunk], embedder: Embedder, alignment: Alignment) -> None:
        """Keep what is needed; nothing is embedded yet."""
        self.contexts = tuple(contexts)
        self.embedder = embedder
        self.alignment = alignment

    @cached_property
    def items(self) -> tuple[ContextSentence, ...]:
        """Every sentence, context by context, in reading order, but for what was planted (`rag.text.injection`)."""
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
        if not self.items:  # all of it was planted
            return self.embedder.embed_passages([""])[:0]
        raw = self.embedder.embed_passages([item.text for item in self.items])
        languages = [self.contexts[item.number - 1].paper.language for item in self.items]
        return self.alignment.apply_each(raw, languages, "passage")

    def of(self, numbers: Sequence[int]) -> ContextSentences:
        """Return those of the contexts with these numbers, which are numbered anew; nothing is embedded again."""
        narrowed = ContextSentences(
            [self.contexts[number - 1] for number in numbers], self.embedder, self.alignment
        )
        rows = [i for number in numbers for i, item in enumerate(self.items) if item.number == number]
        new = {number: position for position, number in enumerate(numbers, 1)}
        narrowed.items = tuple(replace(self.items[i], number=new[self.items[i].number]) for i in rows)
        narrowed.vectors = self.vectors[rows]
        return narrowed

    def worth(self, question: str, vector: Vectors) -> list[float]:
        """Return how much each of `items` is worth for a question with the aligned vector (d,)."""
        weights = self._term_weights(question)
        total = sum(weights.values()) or 1.0
        best = max((context.score for context in self.contexts), default=0.0)
        return [
            float(cosine)
            + TERMS_WEIGHT * sum(weights[term] for term in weights.keys() & item.terms) / total
            + CONTEXT_WEIGHT * (self.contexts[item.number - 1].score - best)
            for item, cosine in zip(self.items, self.vectors @ vector, strict=True)
        ]

    def nearest(self, question: str, vector: Vectors) -> list[float]:
        """Return for each of `contexts` the most that a sentence of it is worth for the question."""
        worth = self.worth(question, vector)
        return [
            max(
                (own for own, item in zip(worth, self.items, strict=True) if item.number == number),
                default=0.0,
            )
            for number in range(1, len(self.contexts) + 1)
        ]

    def _term_weights(self, question: str) -> dict[str, float]:
        held = {term: sum(term in item.terms for item in self.items) for term in frozenset(analyze(question))}
        return {term: math.log1p(len(self.items) / (1 + count)) for term, count in held.items()}


def evidence_for(
    sentences: ContextSentences,
    question: str,
    vector: Vectors,
    count_tokens: Callable[[str], int],
    budget: int,
    each: int | None = None,
    gap: float = MAX_GAP,
    *,
    number_bonus: float = NUMBER_BONUS,
) -> dict[int, str]:
    """Return an excerpt of each context that is needed, by its number: the sentences worth most, within `budget` tokens.

    A title costs what its tokens are, once. The best sentence is there even if it alone is over the budget; one that
    is worth less by more than `gap` is not, even if there is room. With `each` no context gets more than so many tokens,
    its best sentence apart.
    """
    bonus = number_bonus if _WANTS_NUMBER.search(question) else 0.0
    worth = [
        own + bonus * bool(item.numbers)
        for own, item in zip(sentences.worth(question, vector), sentences.items, strict=True)
    ]
    least = max(worth, default=0.0) - gap
    titles = [count_tokens(context.paper.title or "") for context in sentences.contexts]
    chosen: list[int] = []
    spent: dict[int, int] = {}
    for index in sorted(range(len(worth)), key=lambda i: (-worth[i], i)):
        item = sentences.items[index]
        before = spent.get(item.number)
        cost = count_tokens(item.text) + (titles[item.number - 1] if before is None else 0)
        fits = cost <= budget and (each is None or before is None or before + cost <= each)
        if not chosen or (fits and worth[index] >= least):
            chosen.append(index)
            spent[item.number] = (before or 0) + cost
            budget -= cost
    return excerpts(sentences, chosen)


def excerpts(sentences: ContextSentences, chosen: Sequence[int]) -> dict[int, str]:
    """Return for each context with a chosen sentence its title and those, in reading order, … where some are left out."""
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
