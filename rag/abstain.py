"""Abstention: whether the abstracts answer a question at all.

Three signals decide together, in one logistic regression for each language that questions are asked in: how likely the
language model was to begin with `NOT FOUND` (it is not allowed to, so that what it would have said is there to be
checked), how near the question lies to the best sentence that it read, and how surely the sentence that it says is
supported (`rag.verify`). Alone, a small model's own word is too hasty one way and its inventions the other. Where they leave
doubt the model is asked whether the evidence supports the sentence (`rag.verify_llm`): slow, so only then. Fitted by
`benchmarks/abstention.py`, which also writes rag/data/abstention.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from rag.prompts import NOT_FOUND
from rag.schema import LANGUAGES, Language
from rag.verify import Verdict, log_odds, sigmoid

VERSION = 2
# Log odds beyond these say no more (141 development questions: AUC .926 unheld, .928 held); a first token that is not
# among the likeliest counts as the lower one.
_LOW, _HIGH = -8.0, 3.0

Ask = Callable[[], float | None]
"""Asks the language model whether the evidence supports a sentence; None where it cannot tell (`rag.verify_llm`)."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Where the other signals leave doubt, and how the language model's yes settles it.

    It is asked from a confidence of `low` up to `high`. Then the log odds are `bias`, `confidence` times what they were and
    `yes` times those of the model's yes.
    """

    low: float
    high: float
    bias: float
    confidence: float
    yes: float

    def applies(self, confidence: float) -> bool:
        """Return whether the model is to be asked."""
        return self.low <= confidence < self.high

    def settle(self, confidence: float, yes: float) -> float:
        """Return the confidence, from 0 to 1, with the model's yes in view."""
        return sigmoid(self.bias + self.confidence * log_odds(confidence) + self.yes * log_odds(yes))


@dataclass(frozen=True, slots=True)
class Weights:
    """What a unit of each signal adds to the log odds that a question is answered, all but `bias`; and the least share to show.

    `refusal` and `support` weigh log odds, `nearness` a cosine with its bonuses (`rag.evidence`), `missing` is added where
    the sentence holds a name that its abstract lacks. What is supported less surely than `floor` is not shown at all.
    """

    bias: float
    refusal: float
    nearness: float
    support: float
    least: float
    missing: float = 0.0
    floor: float = 0.0
    doubt: Doubt | None = None

    def confidence(self, refusal: float, nearness: float, support: float, *, missing: bool = False) -> float:
        """Return how likely it is, from 0 to 1, that the question is answered, and by this sentence."""
        signals = self.refusal * refusal + self.nearness * nearness + self.support * log_odds(support)
        return sigmoid(self.bias + signals + self.missing * missing)


@dataclass(frozen=True, slots=True)
class Abstention:
    """What was fitted for a language model and its prompt, and the embedding model that says how near a sentence lies."""

    llm: str
    embedding: str
    weights: Mapping[Language, Weights]

    def gate(self, language: Language, nearness: float, refusal: float) -> Gate:
        """Return what judges the sentences of one answer; `refusal` as `refusal_log_odds` returns it."""
        return Gate(self.weights[language], nearness, refusal)

    def write(self) -> dict[str, Any]:
        """Return it as plain JSON values, which `read_abstention` reads."""
        weights = {str(language): _rounded(asdict(found)) for language, found in self.weights.items()}
        return {"version": VERSION, "llm": self.llm, "embedding": self.embedding, "weights": weights}


# One abstract among several that a question is put to is asked for its part alone, and the model is unsure of parts. So
# here nearness is how much nearer than the nearest of them it lies (0 or less). On benchmarks/dev_several.jsonl (62
# abstracts asked, 41 of them expected) 34 expected ones pass and 3 others; by the model's wish alone 35 and 8, with the
# weights for whole questions 11 and none. Of the expected ones 38 say something that is supported by .4 or more; without
# that floor a third of what was shown of several abstracts was hot air ("AdvCL works in an adversarial setting").
PART = Weights(bias=1.0, refusal=-1.0, nearness=8.0, support=0.0, least=0.5, floor=0.4)


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides which sentences of one answer may be shown."""

    weights: Weights
    nearness: float
    refusal: float

    @property
    def hopeless(self) -> bool:
        """Whether no sentence can pass, however well supported: the model need not go on."""
        doubt = self.weights.doubt
        return self.confidence(1.0) < min(self.weights.least, doubt.low if doubt else 1.0)

    def confidence(self, support: float, *, missing: bool = False) -> float:
        """Return how likely it is that the question is answered by a sentence so surely supported."""
        return self.weights.confidence(self.refusal, self.nearness, support, missing=missing)

    def of(self, verdict: Verdict, ask: Ask | None = None) -> float:
        """Return the confidence in a sentence, 0 where a rule refutes it; `ask` is called where there is doubt."""
        if verdict.refuted:
            return 0.0
        confidence, doubt = self.confidence(verdict.score, missing=bool(verdict.missing)), self.weights.doubt
        if ask is None or doubt is None or not doubt.applies(confidence):
            return confidence
        yes = ask()
        return confidence if yes is None else doubt.settle(confidence, yes)

    def judge(self, verdict: Verdict, confidence: float, *, first: bool = True) -> Verdict:
        """Return the verdict on a sentence with the question in view, by the confidence in it (`of`).

        "unsupported" where the question is likely not answered; a sentence that says too little to be found supported is
        "weak" where it likely is. What a rule refutes stays refuted. Only the `first` sentence may be weak: what a small
        model adds has to be supported.
        """
        if verdict.refuted:
            return verdict
        if confidence < self.weights.least or verdict.score < self.weights.floor:
            return replace(verdict, support="unsupported")
        if verdict.support == "supported":
            return verdict
        return replace(verdict, support="weak" if first else "unsupported")


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


def abstention_for(llm: str, embedding: str) -> Abstention | None:
    """Return what was fitted for the models of these names, None for any others."""
    return next((found for found in shipped() if (found.llm, found.embedding) == (llm, embedding)), None)


@cache
def shipped() -> tuple[Abstention, ...]:
    """Return what is in rag/data/abstention.json."""
    text = files("rag").joinpath("data", "abstention.json").read_text(encoding="utf-8")
    return tuple(map(read_abstention, json.loads(text)))


def read_abstention(raw: Mapping[str, Any]) -> Abstention:
    """Return what `raw` describes; raise ValueError for one of another version."""
    if raw.get("version") != VERSION:
        raise ValueError(f"this abstention has version {raw.get('version')}, not {VERSION}")
    weights = {language: _read_weights(raw["weights"][language]) for language in LANGUAGES}
    return Abstention(raw["llm"], raw["embedding"], weights)


def _read_weights(raw: Mapping[str, Any]) -> Weights:
    return Weights(**{**raw, "doubt": Doubt(**raw["doubt"]) if raw["doubt"] else None})


def _rounded(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _rounded(value) if isinstance(value, dict) else value and round(value, 5)
        for name, value in raw.items()
    }
