"""What tells whether evidence supports a sentence: likeness, shared words, and what contradicts."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.align import Vectors
from rag.analyze import analyze
from rag.language import detect_language
from rag.numbers import Number, find_numbers, number_values
from rag.polarity import read_tokens

# How many of an abstract's sentences count as its evidence; three hold the rationale of most SciFact claims.
EVIDENCE = 3
TERMS_WEIGHT = 0.5
NUMBERS_WEIGHT = 0.3
# So many tokens more than the sentence has may be left out of the evidence at one place and still be compared.
_SHORT_GAP = 2
# Of a sentence's tokens, so many in the order of its evidence make it a repetition.
REPEATED = 0.7
_HAN = re.compile(r"[\u3400-\u9fff]")
_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]*(?:[-‐‑.+/_][A-Za-z0-9]+)*\+*")
# "Rad53-dependent", "anti-IL-2": the name is what is left.
_PLAIN_TAIL = re.compile(r"^anti-|(?:-[a-z]{4,})+$")
_JOINT = re.compile(r"[-‐‑.+/_]")

# What is looked at in either case, and what compares words of one language; see `find_features`.
CROSS_FEATURES = ("cosine", "cosine_rest", "names", "turned", "turns", "denials")
SAME_FEATURES = ("terms", "edit", "parity")
FEATURES = (*CROSS_FEATURES, *SAME_FEATURES)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the checks by rule found; `features` (len(FEATURES),) holds NaN where a feature does not apply.

    `missing` are numbers of the sentence that no evidence holds; `reversed` says that
    the sentence nearly repeats a sentence of the evidence but for a negation or a direction. `cross` says that the
    evidence is in the other language.
    """

    features: NDArray[np.float64]
    missing: tuple[str, ...]
    reversed: bool
    cross: bool

    @property
    def refuted(self) -> bool:
        """Return whether a rule is against the sentence, whatever its likeness."""
        return bool(self.missing) or self.reversed


def rank_evidence(sentence: str, candidates: Sequence[str], cosines: Sequence[float]) -> list[int]:
    """Return the indices of the `EVIDENCE` candidates that speak most of what the sentence does, best first."""
    terms, numbers = frozenset(analyze(sentence)), frozenset(number_values(sentence, identifiers=True))
    scores = []
    for text, cosine in zip(candidates, cosines, strict=True):
        fit = float(cosine) + TERMS_WEIGHT * _share(terms, _terms(text))
        scores.append(
            fit + NUMBERS_WEIGHT * _share(numbers, frozenset(number_values(text, identifiers=True)))
        )
    return sorted(range(len(scores)), key=lambda i: -scores[i])[:EVIDENCE]


def missing_numbers(sentence: str, evidence: Sequence[str]) -> tuple[str, ...]:
    """Return the numbers of `sentence` that `evidence` lacks, compared by value.

    Not those inside a name (ResNet-50), nor words that are half of one (zero-shot, three-dimensional).
    """
    stated = {value for text in evidence for value in number_values(text, identifiers=True)}
    lacking = [n for n in find_numbers(sentence) if not n.identifier and n.value not in stated]
    return tuple(dict.fromkeys(str(n.value) for n in lacking if not _in_compound(sentence, n)))


def _in_compound(text: str, number: Number) -> bool:
    return text[number.start].isalpha() and text[number.end : number.end + 1] in ("-", "‐", "‑")


def find_features(
    sentence: str, evidence: Sequence[str], vector: Vectors, turned: Vectors | None, rows: Vectors
) -> Findings:
    """Hold a sentence against its evidence.

    The features are the cosine to the nearest sentence of the evidence and the mean of the others; the share of the
    sentence's names that the evidence holds; how much nearer the nearest sentence is to this one than to the one that
    says the opposite; whether both turn (deny, or point down) an odd number of times, and whether one alone denies.
    In one language also the share of terms that the evidence holds, an edit that changes the meaning, and shared
    terms signed by the turns between them. Others that were measured added nothing: shares of word pairs and of
    numbers, directions summed or paired by the words around them.

    Args:
        sentence: the sentence to check.
        evidence: one or more sentences, in the order of `rank_evidence`.
        vector: the sentence's aligned vector (d,).
        turned: that of the sentence saying the opposite (`rag.polarity.turn_round`); None when there is none.
        rows: the aligned vectors (n, d) of `evidence`.
    """
    cosines = rows @ vector
    best = int(cosines.argmax())
    nearest = evidence[best]
    names = _names(sentence)
    values = {
        "cosine": float(cosines[best]),
        "cosine_rest": float(np.delete(cosines, best).mean()) if len(cosines) > 1 else math.nan,
        "names": _share(names, frozenset().union(*map(_names, evidence))) if names else math.nan,
        "turned": _nearer(rows[best], vector, turned) if turned is not None else math.nan,
        "turns": float(_parity(sentence) * _parity(nearest)),
        "denials": float(_denies(sentence) != _denies(nearest)),
    }
    cross = detect_language(sentence) != detect_language(" ".join(evidence))
    reversed_ = False
    if not cross:
        contained, edited = max(_edit(sentence, text) for text in evidence)
        reversed_ = bool(edited) and contained >= REPEATED
        values["terms"] = _share(_terms(sentence), frozenset().union(*map(_terms, evidence)))
        values["edit"] = edited * contained
        values["parity"] = sum(_agreement(sentence, text) for text in evidence) / len(evidence)
    features = np.array([values.get(name, math.nan) for name in FEATURES])
    return Findings(features, missing_numbers(sentence, evidence), reversed_, cross)


def _nearer(row: Vectors, vector: Vectors, turned: Vectors) -> float:
    step = vector - turned
    return float(row @ step) / max(float(np.linalg.norm(step)), 1e-6)


def _edit(sentence: str, evidence: str) -> tuple[float, float]:
    """Return which share of the sentence's tokens the evidence repeats in order, and 1 if marks differ between."""
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
        elif m - k <= j - i + _SHORT_GAP and i > 0 and j < len(ours):
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
    return _parity(sentence) * _parity(between) * _share(terms, _terms(between))


def _parity(text: str) -> int:
    return -1 if _turns([token.mark for token in read_tokens(text)]) else 1


def _denies(text: str) -> bool:
    return any(token.mark == 0 for token in read_tokens(text))


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    """Return the names in a text (a capital or digit after the first letter; any Latin word among Han)."""
    han = bool(_HAN.search(text))
    found = [m[0] for m in _NAME.finditer(text)]
    found = [_PLAIN_TAIL.sub("", name) for name in found]
    kept = [n for n in found if re.search(r"[A-Z0-9]", n[1:]) or (han and len(n) > 1)]
    return frozenset(_JOINT.sub("", name).lower().rstrip("s") for name in kept)


@lru_cache(maxsize=4096)
def _terms(text: str) -> frozenset[str]:
    return frozenset(analyze(text))


def _share(wanted: frozenset[Any], found: frozenset[Any]) -> float:
    return len(wanted & found) / len(wanted) if wanted else 0.0
