"""Features that show whether evidence supports a sentence: similarity, shared terms, and contradictions."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.answering.verification.facts import missing_names, missing_numbers
from rag.answering.verification.polarity import Token, read_tokens
from rag.embedding.base import Vectors
from rag.text.analyzer import analyze
from rag.text.language import detect_language

# Sentences of an abstract that count as evidence, and the weights of shared terms and numbers.
# See docs/decisions.md#evidence-sentences.
EVIDENCE = 3
TERMS_WEIGHT = 0.3
NUMBERS_WEIGHT = 0.3
# Tokens that the evidence may add at one place and still be compared; higher compares more.
_SHORT_GAP = 2
# Share of a sentence's tokens in the order of its evidence that makes it a repetition; higher refutes fewer.
# See docs/decisions.md#repetitions.
REPEATED = 0.7

# The features after CROSS_FEATURES compare words, and so need evidence in the sentence's own language.
CROSS_FEATURES = ("cosine", "cosine_rest", "negated", "turns_added", "denials_added", "denials_left")
FEATURES = (*CROSS_FEATURES, "terms", "edit", "parity")


@dataclass(frozen=True, slots=True)
class VerificationFeatures:
    """What a sentence and its evidence have in common.

    Attributes:
        features: shape (len(FEATURES),); NaN where one does not apply.
        numbers: those of the sentence that no evidence holds; so too `names`.
        reversed: whether it repeats the evidence except for a negation or a direction.
        cross: whether the evidence is in the other language.
    """

    features: NDArray[np.float64]
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    reversed: bool
    cross: bool

    @property
    def refuted(self) -> bool:
        """Whether a rule is against the sentence, however similar it is."""
        return bool(self.numbers) or self.reversed


def match_score(
    cosine: float, terms: Set[str], found: Set[str], numbers: Set[Decimal], found_numbers: Set[Decimal]
) -> float:
    """Return the cosine plus the weighted shares of a sentence's terms and numbers that a text holds."""
    return float(cosine) + TERMS_WEIGHT * share(terms, found) + NUMBERS_WEIGHT * share(numbers, found_numbers)


def best_matches(scores: Sequence[float]) -> list[int]:
    """Return the indices of the `EVIDENCE` greatest, the greatest first."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])[:EVIDENCE]


def verification_features(
    sentence: str,
    evidence: Sequence[str],
    vector: Vectors,
    negated: Vectors | None,
    rows: Vectors,
    known: str = "",
) -> VerificationFeatures:
    """Compare a sentence with its evidence. See docs/decisions.md#verification-features.

    Args:
        evidence: one or more sentences, the best match first (`best_matches`).
        vector: the sentence's aligned vector (d,).
        negated: that of `rag.answering.verification.polarity.negate(sentence)`; None if there is none.
        rows: the aligned vectors (n, d) of `evidence`.
        known: text whose numbers and names count as stated too.
    """
    cosines = rows @ vector
    best = int(cosines.argmax())
    values = {
        "cosine": float(cosines[best]),
        "cosine_rest": float(np.delete(cosines, best).mean()) if len(cosines) > 1 else math.nan,
        "negated": _nearer(rows[best], vector, negated) if negated is not None else math.nan,
        **_mark_gaps(sentence, evidence[best]),
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
    return VerificationFeatures(features, numbers, names, reversed_, cross)


def _nearer(row: Vectors, vector: Vectors, negated: Vectors) -> float:
    """Return how much nearer the evidence is to the sentence than to its negation."""
    step = vector - negated
    return float(row @ step) / max(float(np.linalg.norm(step)), 1e-6)


def repeated(sentence: str, evidence: str) -> tuple[float, float]:
    """Return the share of a sentence's tokens that the evidence has in order, and 1 if their marks differ."""
    ours, theirs = read_tokens(sentence), read_tokens(evidence)
    if not ours:
        return 0.0, 0.0
    matcher = SequenceMatcher(None, [t.text for t in ours], [t.text for t in theirs], autojunk=False)
    equal, differs = 0, False
    for operation, i, j, k, m in matcher.get_opcodes():
        if operation == "equal":
            equal += j - i
            continue
        mine, own = ours[i:j], theirs[k:m]
        if any(token.mark is not None for token in mine):
            differs |= _is_odd(mine) != _is_odd(own)
        elif m - k <= j - i + _SHORT_GAP and (operation == "replace" or 0 < i < len(ours)):
            # A long omission is no contradiction, an omitted "not" is.
            differs |= sum(token.mark == 0 for token in own) % 2 == 1
    return equal / len(ours), float(differs)


def _is_odd(tokens: Sequence[Token]) -> bool:
    """Return whether the number of turns (negations and words that point down) is odd."""
    return sum(token.mark in (0, -1) for token in tokens) % 2 == 1


def _agreement(sentence: str, evidence: str) -> float:
    """Return the share of the sentence's terms in the evidence, negative if the two say the opposite.

    They do if only one has an odd number of turns, counted between the common terms of the evidence.
    """
    terms = _terms(sentence)
    hits = [t.start for t in read_tokens(evidence) if _terms(t.text) & terms]
    if not hits:
        return 0.0
    between = evidence[min(hits) : max(hits)]
    sign = 1 if _is_odd(read_tokens(sentence)) == _is_odd(read_tokens(between)) else -1
    return sign * share(terms, _terms(between))


def _mark_gaps(sentence: str, evidence: str) -> dict[str, float]:
    """Return how many turns and denials the sentence adds to the evidence, and how many denials it omits."""
    ours = [t.mark for t in read_tokens(sentence) if t.mark is not None]
    theirs = [t.mark for t in read_tokens(evidence) if t.mark is not None]
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


def share(wanted: Set[object], found: Set[object]) -> float:
    """Return the share of `wanted` that is in `found`, 0 if nothing is wanted."""
    return len(wanted & found) / len(wanted) if wanted else 0.0
