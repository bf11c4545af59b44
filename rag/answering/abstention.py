"""Abstention: whether an abstract answers a question at all.

A grammar makes the embedded model answer, so that there is a sentence to verify. Whether it is shown is
decided by a logistic regression over the log odds that the reply would have begun with `NOT FOUND`, the
cosine of question and abstract, and their languages. `training/abstention.py` fits it for a language model
and writes rag/data/abstention.json; see docs/decisions.md#abstention.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from rag.answering.generation.prompts import NOT_FOUND
from rag.answering.verification.verifier import sigmoid
from rag.schema import Language

# Bounds of the log odds; beyond them a difference means nothing.
_LOW, _HIGH = -8.0, 3.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """How a refusal of the model about one abstract is weighed.

    `bias` is all that is known before the model is asked, `refusal` the weight of its log odds, and
    `threshold` the lowest probability of an answer that is shown.
    """

    bias: float
    refusal: float
    threshold: float

    def confidence(self, refusal: float) -> float:
        """Return the probability that the abstract answers, given the log odds of a refusal."""
        return sigmoid(self.bias + self.refusal * refusal)

    def refuses(self, refusal: float) -> bool:
        """Return whether the reply is not to be shown."""
        return self.confidence(refusal) < self.threshold


# For a language model without a fit: its own odds are believed, and what it says is shown.
PLAIN = Doubt(0.0, -1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Abstention:
    """The regression for one language model, and for the cosines of one embedding model.

    `embedding` is None where the cosine has no weight. `refusal`, `cosine`, `chinese` and `across` are the
    weights of the log odds, of the cosine, of a Chinese question, and of an abstract in the other language.
    `lenient` is the threshold of whoever wants to be shown more; see docs/decisions.md#lenient-refusal.
    """

    llm: str
    embedding: str | None
    bias: float
    refusal: float
    cosine: float
    chinese: float
    across: float
    threshold: float
    lenient: float = 0.0

    def softened(self) -> Abstention:
        """Return it with its lower threshold, which shows more."""
        return replace(self, threshold=min(self.lenient, self.threshold))

    def doubt(self, language: Language, stored: Language, cosine: float) -> Doubt:
        """Return how to weigh a refusal about an abstract in `stored` with this `cosine` to the question."""
        known = self.bias + self.cosine * cosine
        known += self.chinese * (language == "zh") + self.across * (language != stored)
        return Doubt(known, self.refusal, self.threshold)


def refusal_log_odds(first_tokens: Iterable[tuple[str, float]]) -> float | None:
    """Return the log odds of `NOT_FOUND` from the log probabilities of the first token; None without any."""
    tokens = list(first_tokens)
    if not tokens:
        return None
    head = NOT_FOUND.partition(" ")[0].casefold()  # shorter tokens such as "N" may begin anything
    share = sum(math.exp(logprob) for token, logprob in tokens if token.strip().casefold() == head)
    odds = math.log(share / (1 - share)) if 0 < share < 1 else math.copysign(math.inf, share - 0.5)
    return min(max(odds, _LOW), _HIGH)


def abstention_for(llm: str, embedding: str) -> Abstention | None:
    """Return the regression for a language model, with cosines if it was fitted to those of `embedding`."""
    own = [found for found in shipped() if found.llm == llm and found.embedding in (embedding, None)]
    return max(own, key=lambda found: found.embedding is not None, default=None)


@cache
def shipped() -> tuple[Abstention, ...]:
    """Return what is in rag/data/abstention.json."""
    text = files("rag").joinpath("data", "abstention.json").read_text(encoding="utf-8")
    return tuple(Abstention(**fitted) for fitted in json.loads(text))
