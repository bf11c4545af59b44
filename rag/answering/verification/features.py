"""What tells whether evidence supports a sentence: likeness, shared words, and what contradicts."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.answering.verification.facts import missing_names, missing_numbers
from rag.answering.verification.polarity import read_tokens
from rag.embedding.base import Vectors
from rag.text.analyzer import analyze
from rag.text.language import detect_language
from rag.text.numbers import number_values

_Item = TypeVar("_Item")

# How many of an abstract's sentences count as its evidence, and the weights of shared terms and numbers beside the cosine:
# a sentence that annotators call a rationale of the claim is among them in 88 % of SciFact's claims, in 86 % without
# weights.
EVIDENCE = 3
TERMS_WEIGHT = 0.3
NUMBERS_WEIGHT = 0.3
# So many tokens more than the sentence has may be left out of the evidence at one place and still be compared.
_SHORT_GAP = 2
# Of a sentence's tokens, so many in the order of its evidence make it a repetition: no supported pair of
# benchmarks/verification.py is then taken for a reversal.
REPEATED = 0.7


# What is looked at in either case, and what compares words of one language; see `find_features`.
CROSS_FEATURES = (
    "cosine",
    "cosine_rest",
    "turned",
    "turns_added",
    "denials_added",
    "denials_left",
)
SAME_FEATURES = ("terms", "edit", "parity")
FEATURES = (*CROSS_FEATURES, *SAME_FEATURES)


@dataclass(frozen=True, slots=True)
class Findings:
    """How a sentence lies to its evidence; `features` (len(FEATURES),) holds NaN where one does not apply.

    `numbers` and `names` are those of the sentence that no evidence holds; `reversed` says that it nearly repeats a
    sentence of the evidence but for a negation or a direction; `cross` that the evidence is in the other language.
    """

    features: NDArray[np.float64]
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    reversed: bool
    cross: bool

    @property
    def refuted(self) -> bool:
        """Return whether a rule is against the sentence, whatever its likeness."""
        return bool(self.numbers) or self.reversed


def rank_evidence(sentence: str, candidates: Sequence[str], cosines: Sequence[float]) -> list[int]:
    """Return the indices of the `EVIDENCE` candidates that speak most of what the sentence does, best first."""
    terms, numbers = frozenset(analyze(sentence)), frozenset(number_values(sentence, identifiers=True))
    return best_matches(
        [
            match_score(
                cosine, terms, _terms(text), numbers, frozenset(number_values(text, identifiers=True))
            )
            for text, cosine in zip(candidates, cosines, strict=True)
        ]
    )


def match_score(
    cosine: float, terms: Set[str], found: Set[str], numbers: Set[Decimal], found_numbers: Set[Decimal]
) -> float:
    """Return how much a text speaks of what a sentence does: its cosine and the shares of terms and numbers it has."""
    return float(cosine) + TERMS_WEIGHT * share(terms, found) + NUMBERS_WEIGHT * share(numbers, found_numbers)


def best_matches(scores: Sequence[float]) -> list[int]:
    """Return the indices of the `EVIDENCE` greatest, the greatest first."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])[:EVIDENCE]


def find_features(
    sentence: str,
    evidence: Sequence[str],
    vector: Vectors,
    turned: Vectors | None,
    rows: Vectors,
    known: str = "",
) -> Findings:
    """Hold a sentence against its evidence.

    The features are the cosine to the nearest sentence of the evidence and the mean of the others; how much nearer the
    nearest sentence is to this one than to the one that says the opposite; how many turns (words that deny or
    point down) and denials it adds, and how many denials it leaves out. In one language also the share of terms that the
    evidence holds, an edit that changes the meaning, and shared terms signed by the turns between them. Others that
    were measured added nothing: shares of word pairs, numbers and names, directions summed or paired by the words
    around them.

    Args:
        sentence: the sentence to check.
        evidence: one or more sentences, in the order of `rank_evidence`.
        vector: the sentence's aligned vector (d,).
        turned: that of the sentence saying the opposite (`rag.answering.verification.polarity.turn_round`); None when there is none.
        rows: the aligned vectors (n, d) of `evidence`.
        known: text whose numbers and names count as stated too.
    """
    cosines = rows @ vector
    best = int(cosines.argmax())
    nearest = evidence[best]
    values = {
        "cosine": float(cosines[best]),
        "cosine_rest": float(np.delete(cosines, best).mean()) if len(cosines) > 1 else math.nan,
        "turned": _nearer(rows[best], vector, turned) if turned is not None else math.nan,
        **_mark_gaps(sentence, nearest),
    }
    cross = detect_language(sentence) != detect_language(" ".join(evidence))
    reversed_ = False
    if not cross:
        contained, edited = max(repeated(sentence, text) for text in evidence)
        reversed_ = bool(edited) and contained >= REPEATED
        values["terms"] = share(_terms(sentence), frozenset().union(*map(_terms, evidence)))
        values["edit"] = edited * contained
        values["parity"] = sum(_agreement(sentence, text) for text in evidence) / len(evidence)
    features = np.array([values.get(name, math.nan) for name in FEATURES])
    stated = [*evidence, known]
    numbers, names = missing_numbers(sentence, stated), missing_names(sentence, stated)
    return Findings(features, numbers, names, reversed_, cross)


def _nearer(row: Vectors, vector: Vectors, turned: Vectors) -> float:
    step = vector - turned
    return float(row @ step) / max(float(np.linalg.norm(step)), 1e-6)


def repeated(sentence: str, evidence: str) -> tuple[float, float]:
    """Return which share of the sentence's tokens the evidence has in the same order, and 1 if marks differ between."""
    ours, theirs = read_tokens(sentence), read_tokens(evidence)
    if not ours:
        return 0.0, 0.0
    matcher = SequenceMatcher(None, [t.text for t in ours], [t.text for t in theirs], autojunk=False)
    equal, differs = 0, False
    for operation, i, j, k, m in matcher.get_opcodes():
        if operation == "equal":
            equal += j - i
            continue
        mine = [t.mark for t in ours[i:j] if t.mark is not None]
        own = [t.mark for t in theirs[k:m] if t.mark is not None]
        if mine:
            differs |= _turns(mine) != _turns(own)
        elif m - k <= j - i + _SHORT_GAP and (operation == "replace" or 0 < i < len(ours)):
            # What a shorter sentence leaves out in one piece is no contradiction, a lone "not" left out is.
            differs |= own.count(0) % 2 == 1
    return equal / len(ours), float(differs)


def _turns(marks: Sequence[int | None]) -> int:
    return sum(mark in (0, -1) for mark in marks) % 2


def _agreement(sentence: str, evidence: str) -> float:
    """Return the share of the sentence's terms in the evidence, negative where the two say the opposite.

    Turns (negations and words that point down) are counted in the sentence, and in the evidence between the
    first and the last term that both have; an odd difference is the opposite.
    """
    terms = _terms(sentence)
    hits = [t.start for t in read_tokens(evidence) if _terms(t.text) & terms]
    if not hits:
        return 0.0
    between = evidence[min(hits) : max(hits)]
    return _parity(sentence) * _parity(between) * share(terms, _terms(between))


def _parity(text: str) -> int:
    return -1 if _turns([token.mark for token in read_tokens(text)]) else 1


def _mark_gaps(sentence: str, evidence: str) -> dict[str, float]:
    """Return how many turns and denials the sentence has beyond the evidence, and how many denials it leaves out."""
    ours, theirs = (
        [t.mark for t in read_tokens(text) if t.mark is not None] for text in (sentence, evidence)
    )
    turns = sum(m < 1 for m in ours) - sum(m < 1 for m in theirs)
    denials = ours.count(0) - theirs.count(0)
    return {
        "turns_added": float(max(turns, 0)),
        "denials_added": float(max(denials, 0)),
        "denials_left": float(max(-denials, 0)),
    }


@lru_cache(maxsize=4096)
def _terms(text: str) -> frozenset[str]:
    return frozenset(analyze(text))


def share(wanted: Set[_Item], found: Set[_Item]) -> float:
    """Return the share of `wanted` that is in `found`, 0 when nothing is wanted."""
    return len(wanted & found) / len(wanted) if wanted else 0.0
