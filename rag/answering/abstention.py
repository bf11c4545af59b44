"""Abstention: whether an abstract answers a question at all.

A grammar holds the embedded model to an answer, so that there is a sentence to check. How likely its reply was to begin
with `NOT FOUND` decides instead, by one threshold for each language that questions are asked in. The thresholds lie in
rag/data/abstention.json, one set a language model; see docs/decisions.md#refusal-threshold.
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

# Log odds beyond these say no more; a first token that is not among the likeliest counts as the lower one.
_LOW, _HIGH = -8.0, 3.0


@dataclass(frozen=True, slots=True)
class Abstention:
    """What was chosen for one language model: the log odds of a refusal from which a reply is not shown.

    `thresholds` hold one for each language of questions; a higher one shows more.
    """

    llm: str
    thresholds: Mapping[Language, float]


def confidence_of(refusal: float) -> float:
    """Return how likely the abstract answers, from 0 to 1, by the log odds of a refusal."""
    return sigmoid(-refusal)


def refusal_log_odds(first_tokens: Iterable[tuple[str, float]]) -> float | None:
    """Return the log odds that a reply begins with `NOT_FOUND`, by its likeliest first tokens; None without any.

    "NOT", "Not" and " not" begin it, "N" may begin anything.
    """
    told = list(first_tokens)
    if not told:
        return None
    head = NOT_FOUND.partition(" ")[0].casefold()
    share = sum(math.exp(logprob) for token, logprob in told if token.strip().casefold() == head)
    odds = math.log(share / (1 - share)) if 0 < share < 1 else math.copysign(math.inf, share - 0.5)
    return min(max(odds, _LOW), _HIGH)


def abstention_for(llm: str) -> Abstention | None:
    """Return what was chosen for the language model of this name, None for any other."""
    return next((found for found in shipped() if found.llm == llm), None)


@cache
def shipped() -> tuple[Abstention, ...]:
    """Return what is in rag/data/abstention.json."""
    text = files("rag").joinpath("data", "abstention.json").read_text(encoding="utf-8")
    return tuple(Abstention(llm, thresholds) for llm, thresholds in json.loads(text).items())
