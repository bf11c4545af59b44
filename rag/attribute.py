"""Attribution: which retrieved abstract, and which sentence of it, an answer's sentence rests on.

A small model writes right sentences under wrong numbers. So its markers are one signal only; the others are
aligned embeddings, which work across languages, shared index terms, and numbers compared by value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from rag.align import Vectors
from rag.analyze import analyze
from rag.evidence import ContextSentences
from rag.language import detect_language
from rag.numbers import number_values

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


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentence `context.paper.text[start:end]` of context `number` (1-based), and how well it fits."""

    number: int
    start: int
    end: int
    score: float


class Attributor:
    """Attributes the sentences of one answer to the sentences of its contexts."""

    def __init__(self, sentences: ContextSentences) -> None:
        """Prepare for one answer; nothing is embedded yet."""
        self._sentences = sentences
        papers = [context.paper for context in sentences.contexts]
        self._numbers = [set(number_values(paper.text, identifiers=True)) for paper in papers]
        self._terms = [frozenset(analyze(f"{paper.title or ''} {paper.text}")) for paper in papers]
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
        if not self._sentences.contexts:
            return ()
        terms, numbers = frozenset(analyze(text)), set(number_values(text, identifiers=True))
        cosines = self._cosines(text)
        best: dict[int, Evidence] = {}
        for candidate, cosine in zip(self._sentences.items, cosines, strict=True):
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
        raw = self._sentences.embedder.embed_passages([text])
        vector = self._sentences.alignment.apply(raw, detect_language(text), "passage")
        cosines: Vectors = self._sentences.vectors @ vector[0]
        return cosines


def _share(wanted: Set[_Item], found: Set[_Item]) -> float:
    """Return the share of `wanted` that is in `found`, 0 when nothing is wanted."""
    return len(wanted & found) / len(wanted) if wanted else 0.0


def best_evidence(evidence: Mapping[int, Sequence[Evidence]]) -> dict[int, Evidence]:
    """Return for each context the best evidence over all sentences that cite it."""
    return {number: max(found, key=lambda e: e.score) for number, found in evidence.items() if found}
