"""Abstention: whether an abstract answers a question at all.

Several signals decide together, in one logistic regression for each language that questions are asked in: how likely the
language model was to begin with `NOT FOUND` (it is not allowed to, so that what it would have said is there to be
checked), how near the question lies to the best sentence of the abstract, and how surely the sentence that it says is supported
(`rag.verify`); what tells nothing beside the rest weighs nothing. Questions in English that ask for yes or no have a regression
of their own: they say what an abstract would have to find, so nearness tells much. Alone, a small model's
own word is too hasty one way and its inventions the other. Whether the model, asked, says that the abstract states its
sentence (`rag.verify_llm`) adds nothing to these: of 131 sentences to development questions that no rule refuted, 86 of them
right, AUC .77 without it and .78 with it, for .8 s a sentence. Fitted by `benchmarks/abstention.py`, which also writes
rag/data/abstention.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from rag.prompts import NOT_FOUND
from rag.schema import LANGUAGES, Language
from rag.verify import Verdict, log_odds, sigmoid

VERSION = 5
# Log odds beyond these say no more (141 development questions: AUC .926 unheld, .928 held); a first token that is not
# among the likeliest counts as the lower one.
_LOW, _HIGH = -8.0, 3.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What a unit of each signal adds to the log odds that a question is answered, all but `bias`; and the least share to show.

    `refusal` and `support` weigh log odds, `nearness` a cosine with its bonuses (`rag.evidence`).
    """

    bias: float
    refusal: float
    nearness: float
    support: float
    least: float

    def confidence(self, refusal: float, nearness: float, support: float) -> float:
        """Return how likely it is, from 0 to 1, that the question is answered, and by this sentence."""
        signals = self.refusal * refusal + self.nearness * nearness + self.support * log_odds(support)
        return sigmoid(self.bias + signals)


@dataclass(frozen=True, slots=True)
class Abstention:
    """What was fitted for a language model and its prompt, and the embedding model that says how near a sentence lies.

    `polar` is for questions in English that ask for yes or no (`is_polar`), `weights` for all others. `part` is for one abstract
    among several that a question is put to, which is asked for its part alone: its nearness is how much nearer than the nearest
    of them it lies (0 or less).
    """

    llm: str
    embedding: str
    weights: Mapping[Language, Weights]
    polar: Weights
    part: Weights

    def gate(
        self,
        language: Language,
        nearness: float,
        refusal: float,
        *,
        polar: bool = False,
        shows_weak: bool = True,
    ) -> Gate:
        """Return what judges the sentences of one reply; `refusal` as `refusal_log_odds` returns it."""
        weights = self.polar if is_polar(language, asks_to_decide=polar) else self.weights[language]
        return self.make_gate(weights, nearness, refusal, shows_weak=shows_weak)

    def part_gate(self, nearness: float, refusal: float) -> Gate:
        """Return the same for one abstract among several, of which nothing weak is shown."""
        return self.make_gate(self.part, nearness, refusal, shows_weak=False)

    def make_gate(self, weights: Weights, nearness: float, refusal: float, *, shows_weak: bool) -> Gate:
        """Return the gate of one reply."""
        return Gate(weights, nearness, refusal, shows_weak)

    def write(self) -> dict[str, Any]:
        """Return it as plain JSON values, which `read_abstention` reads."""
        weights = {str(language): _rounded(found) for language, found in self.weights.items()}
        return {
            "version": VERSION,
            "llm": self.llm,
            "embedding": self.embedding,
            "weights": weights,
            "polar": _rounded(self.polar),
            "part": _rounded(self.part),
        }


@dataclass(frozen=True, slots=True)
class Gate:
    """Decides which sentences of one reply may be shown."""

    weights: Weights
    nearness: float
    refusal: float
    shows_weak: bool = True

    @property
    def hopeless(self) -> bool:
        """Whether no sentence can pass, however well supported: the model need not go on."""
        return self.confidence(1.0) < self.weights.least

    def confidence(self, support: float) -> float:
        """Return how likely it is that the question is answered by a sentence so surely supported."""
        return self.weights.confidence(self.refusal, self.nearness, support)

    def of(self, verdict: Verdict) -> float:
        """Return the confidence in a sentence, 0 where a rule refutes it or its abstract lacks a name in it.

        Of 8 sentences to development questions that were shown with such a name 7 were wrong (AMC23, of which the question
        speaks and the abstract does not; USPTO, an example's), the other misspelled.
        """
        return 0.0 if verdict.refuted or verdict.missing else self.confidence(verdict.score)

    def judge(self, verdict: Verdict, confidence: float, *, first: bool = True) -> Verdict:
        """Return the verdict on a sentence with the question in view, by the confidence in it (`of`).

        "unsupported" where the question is likely not answered; a sentence that says too little to be found supported is
        "weak" where it likely is. What a rule refutes stays refuted. Only the `first` sentence may be weak: what a small
        model adds has to be supported.
        """
        if verdict.refuted:
            return verdict
        if confidence < self.weights.least:
            return replace(verdict, support="unsupported")
        if verdict.support == "supported":
            return verdict
        return replace(verdict, support="weak" if first and self.shows_weak else "unsupported")


def is_polar(language: Language, *, asks_to_decide: bool) -> bool:
    """Return whether a question in `language` is judged by `Abstention.polar`: one in English that asks for yes or no."""
    return asks_to_decide and language == "en"


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
    weights = {language: Weights(**raw["weights"][language]) for language in LANGUAGES}
    own = {name: Weights(**raw[name]) for name in ("polar", "part")}
    return Abstention(raw["llm"], raw["embedding"], weights, **own)


def _rounded(weights: Weights) -> dict[str, float]:
    return {name: round(value, 5) for name, value in asdict(weights).items()}
