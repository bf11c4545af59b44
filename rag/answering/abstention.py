"""Abstention: whether an abstract answers a question at all.

A grammar makes the embedded model answer, so that there is a sentence to verify. The log odds that its reply
would have begun with `NOT FOUND` decide, by one threshold per language of the question. The thresholds are in
rag/data/abstention.json; see docs/decisions.md#refusal-threshold.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rag.answering.generation.prompts import NOT_FOUND
from rag.answering.verification.verifier import sigmoid
from rag.schema import Language

# Bounds of the log odds; beyond them a difference means nothing.
_LOW, _HIGH = -8.0, 3.0


@dataclass(frozen=True, slots=True)
class Abstention:
    """The refusal thresholds of one language model, in log odds by language; a higher one shows more."""

    llm: str
    thresholds: Mapping[Language, float]


def confidence_of(refusal: float) -> float:
    """Return the probability that the abstract answers, from the log odds of a refusal."""
    return sigmoid(-refusal)


def refusal_log_odds(first_tokens: Iterable[tuple[str, float]]) -> float | None:
    """Return the log odds of `NOT_FOUND` from the log probabilities of the first token; None without any."""
    tokens = list(first_tokens)
    if not tokens:
        return None
    head = NOT_FOUND.partition(" ")[0].casefold()  # shorter tokens such as "N" may begin anything
    share = sum(math.exp(logprob) for token, logprob in tokens if token.strip().casefold() == head)
    odds = math.log(share / (1 - share)) if 0 < share < 1 else math.copysign(math.inf, share - 0.5)
    return min(max(odds, _LOW), _HIGH)


def abstention_for(llm: str) -> Abstention | None:
    """Return the thresholds of a language model; None if it has none."""
    return next((found for found in shipped() if found.llm == llm), None)


@cache
def shipped() -> tuple[Abstention, ...]:
    """Return what is in rag/data/abstention.json."""
    text = files("rag").joinpath("data", "abstention.json").read_text(encoding="utf-8")
    return tuple(Abstention(llm, thresholds) for llm, thresholds in json.loads(text).items())
