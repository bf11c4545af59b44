"""Attribution: which retrieved abstract, and which sentence of it, an answer's sentence rests on.

A small model writes right sentences under wrong numbers. So its markers are one signal only; the others are
aligned embeddings, which work across languages, shared index terms, and numbers compared by value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeVar

import numpy as np

from rag.align import Alignment, Vectors
from rag.analyze import analyze
from rag.language import detect_language
from rag.numbers import number_values
from rag.schema import ScoredChunk
from rag.sentences import split_sentences

# Weights of the signals beside the cosine, and how far below the best one a context that the model named may
# lie to stay cited; see `Attributor.attribute`. Chosen on the answers to benchmarks/dev_questions.jsonl: 37 of
# 40 expected abstracts cited and 37 of 41 citations right, against 32 and 32 of 40 by the markers alone.
TERMS_WEIGHT = 0.3
NUMBERS_WEIGHT = 0.3
MARKER_WEIGHT = 0.2
MARKER_SLACK = 0.05
# A sentence that fits nothing this well ("Yes.") is left to the model's markers.
MIN_SCORE = 0.5


_Item = TypeVar("_Item")


class PassageEmbedder(Protocol):
    """What attribution needs of an embedder; `rag.embed.Embedder` is one."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentence `context.paper.text[start:end]` of context `number` (1-based), and how well it fits."""

    number: int
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    number: int
    start: int
    end: int
    terms: frozenset[str]
    numbers: frozenset[Decimal]


class Attributor:
    """Attributes the sentences of one answer to its contexts; the contexts are embedded once, when needed."""

    def __init__(
        self, contexts: Sequence[ScoredChunk], embedder: PassageEmbedder, alignment: Alignment
    ) -> None:
        """Prepare for one answer; nothing is embedded yet."""
        self._contexts = contexts
        self._embedder = embedder
        self._alignment = alignment
        self._candidates: list[_Candidate] = []
        self._vectors: Vectors | None = None
        self._numbers = [set(number_values(c.paper.text, identifiers=True)) for c in contexts]
        self._terms = [frozenset(analyze(f"{c.paper.title or ''} {c.paper.text}")) for c in contexts]
        self._known: dict[tuple[str, tuple[int, ...]], tuple[Evidence, ...]] = {}

    def attribute(self, text: str, marks: Sequence[int] = ()) -> tuple[Evidence, ...]:
        """Return what the sentence `text` rests on, best first, one evidence a context.

        That is the best context, and those of the model's `marks` (1-based) whose score is within
        `MARKER_SLACK` of it. A context's score is that of its best sentence, the cosine plus weighted shares of the
        text's terms and numbers that the sentence contains, plus such shares for the whole context, plus a bonus
        for being marked.
        """
        key = (text, tuple(marks))
        if key not in self._known:
            self._known[key] = self._attribute(text, marks)
        return self._known[key]

    def states_numbers(self, text: str, cited: Sequence[int], question: str) -> bool:
        """Return whether every number in the sentence `text` stands in a cited context or in the question.

        Numbers are compared by value, whatever the language; those inside identifiers (ResNet-50) do not count.
        """
        stated = set(number_values(question, identifiers=True)).union(*(self._numbers[n - 1] for n in cited))
        return set(number_values(text)) <= stated

    def _attribute(self, text: str, marks: Sequence[int]) -> tuple[Evidence, ...]:
        if not self._contexts:
            return ()
        terms, numbers = frozenset(analyze(text)), set(number_values(text, identifiers=True))
        cosines = self._cosines(text)
        best: dict[int, Evidence] = {}
        for candidate, cosine in zip(self._candidates, cosines, strict=True):
            shares = TERMS_WEIGHT * _share(terms, candidate.terms)
            shares += NUMBERS_WEIGHT * _share(numbers, candidate.numbers)
            fit = float(cosine) + shares
            found = best.get(candidate.number)
            if found is None or fit > found.score:
                best[candidate.number] = Evidence(candidate.number, candidate.start, candidate.end, fit)
        scored = {number: self._context_score(e, terms, numbers, marks) for number, e in best.items()}
        if not scored:
            return ()
        top = max(scored, key=lambda number: scored[number])
        if scored[top] < MIN_SCORE:
            kept = [number for number in scored if number in marks]
        else:
            kept = [n for n in scored if n == top or (n in marks and scored[n] >= scored[top] - MARKER_SLACK)]
        return tuple(
            Evidence(n, best[n].start, best[n].end, scored[n]) for n in sorted(kept, key=lambda n: -scored[n])
        )

    def _context_score(
        self, evidence: Evidence, terms: frozenset[str], numbers: Set[Decimal], marks: Sequence[int]
    ) -> float:
        at = evidence.number - 1
        return (
            evidence.score
            + TERMS_WEIGHT * _share(terms, self._terms[at])
            + NUMBERS_WEIGHT * _share(numbers, self._numbers[at])
            + MARKER_WEIGHT * (evidence.number in marks)
        )

    def _cosines(self, text: str) -> Vectors:
        if self._vectors is None:
            self._candidates, self._vectors = self._embed_contexts()
        language = detect_language(text)
        vector = self._alignment.apply(self._embedder.embed_passages([text]), language, "passage")
        cosines: Vectors = self._vectors @ vector[0]
        return cosines

    def _embed_contexts(self) -> tuple[list[_Candidate], Vectors]:
        candidates: list[_Candidate] = []
        rows: list[Vectors] = []
        for number, context in enumerate(self._contexts, 1):
            paper = context.paper
            spans = split_sentences(paper.text)
            texts = [paper.text[start:end] for start, end in spans]
            candidates += [
                _Candidate(
                    number,
                    start,
                    end,
                    frozenset(analyze(text)),
                    frozenset(number_values(text, identifiers=True)),
                )
                for (start, end), text in zip(spans, texts, strict=True)
            ]
            raw = self._embedder.embed_passages(texts)
            rows.append(self._alignment.apply(raw, paper.language, "passage"))
        return candidates, np.concatenate(rows)


def _share(wanted: Set[_Item], found: Set[_Item]) -> float:
    """Return the share of `wanted` that is in `found`, 0 when nothing is wanted."""
    return len(wanted & found) / len(wanted) if wanted else 0.0


def best_evidence(evidence: Mapping[int, Sequence[Evidence]]) -> dict[int, Evidence]:
    """Return for each context the best evidence over all sentences that cite it."""
    return {number: max(found, key=lambda e: e.score) for number, found in evidence.items() if found}
