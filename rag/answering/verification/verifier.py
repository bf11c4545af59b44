"""Verification: whether the evidence that a sentence cites supports it.

The score is the product of two logistic regressions over `features.FEATURES`: that the evidence is about the
same thing, and that it says the same and not the opposite. Evidence in the other language has its own pair.
`training/verification.py` fits them and writes rag/data/verifier-MODEL.json. Rules come first: a missing
number or a reversed repetition makes a sentence "unsupported", a missing name makes it "weak" at best.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.answering.verification.features import FEATURES, VerificationFeatures, verification_features
from rag.answering.verification.polarity import negate
from rag.embedding.alignment import Alignment
from rag.embedding.base import Embedder, Vectors
from rag.schema import Support
from rag.text.language import detect_language

VERSION = 1
# Factor for the score of a refuted sentence; lower trusts the rules more.
# See docs/decisions.md#refuted-sentences.
_REFUTED = 0.3
ARRAYS = ("centre", "scale", "related", "agrees")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The support of a sentence, its score (0 to 1), and the numbers and names that its evidence lacks.

    `refuted` means that a rule is against it, however similar it is.
    """

    support: Support
    score: float
    missing: tuple[str, ...] = ()
    refuted: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """The lowest scores of a "supported" and of a "weak" sentence."""

    supported: float
    weak: float

    def judge(self, score: float, features: VerificationFeatures) -> Support:
        """Return the support for a score, as far as the rules allow it."""
        if features.refuted or score < self.weak:
            return "unsupported"
        return "supported" if score >= self.supported and not features.names else "weak"


@dataclass(frozen=True)
class Heads:
    """Both regressions for one case, over the columns `features` of FEATURES.

    `centre` and `scale` (k,) standardise; `related` and `agrees` (k + 1,) are weights, the bias first.
    """

    features: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    related: NDArray[np.float64]
    agrees: NDArray[np.float64]
    limits: Limits

    def score(self, values: NDArray[np.float64]) -> float:
        """Return the product of both probabilities for one row of FEATURES; NaN counts as the average."""
        row = values[[FEATURES.index(name) for name in self.features]]
        standard = np.nan_to_num((row - self.centre) / self.scale)
        related, agrees = (float(w[0] + w[1:] @ standard) for w in (self.related, self.agrees))
        return sigmoid(related) * sigmoid(agrees)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Heads:
        """Read the JSON values that `training.verification_fit.model_json` writes."""
        arrays = {name: np.asarray(raw[name], dtype=np.float64) for name in ARRAYS}
        return cls(tuple(raw["features"]), **arrays, limits=Limits(raw["supported"], raw["weak"]))


@dataclass(frozen=True, slots=True)
class VerifierModel:
    """The heads fitted for one embedding model, for evidence in the same and in the other language."""

    same: Heads
    cross: Heads

    def judge(self, features: VerificationFeatures) -> Verdict:
        """Return the verdict on one sentence."""
        heads = self.cross if features.cross else self.same
        score = heads.score(features.features)
        if features.refuted:
            score *= _REFUTED
        support = heads.limits.judge(score, features)
        return Verdict(support, score, features.numbers + features.names, features.refuted)


@cache
def shipped_model(embedding_model: str) -> VerifierModel | None:
    """Return the model that is shipped for an embedding model; None if there is none."""
    file = files("rag").joinpath("data", f"verifier-{embedding_model}.json")
    return read_model(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def read_model(raw: Mapping[str, Any]) -> VerifierModel:
    """Return the model that `raw` describes; raise ValueError if it has another version."""
    if raw.get("version") != VERSION:
        raise ValueError(f"this verifier has version {raw.get('version')}, not {VERSION}")
    return VerifierModel(Heads.read(raw["same"]), Heads.read(raw["cross"]))


@dataclass(frozen=True)
class Verifier:
    """Verifies sentences by rules and by a model; thread-safe if its embedder is."""

    embedder: Embedder
    alignment: Alignment
    model: VerifierModel

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str = ""
    ) -> Verdict:
        """Return whether `evidence` supports `sentence`.

        Args:
            sentence: one sentence of an answer, without markers.
            evidence: the cited sentences, all in one language, the best match first.
            vector: the sentence's aligned vector (d,).
            vectors: the evidence's aligned vectors (n, d).
            known: text whose numbers and names count as stated too, such as the title.
        """
        if not evidence or not sentence.strip():
            return Verdict("unsupported", 0.0)
        negated: Vectors | None = None
        if opposite := negate(sentence):
            raw = self.embedder.embed_passages([opposite])
            negated = self.alignment.apply(raw, detect_language(sentence), "passage")[0]
        return self.model.judge(verification_features(sentence, evidence, vector, negated, vectors, known))


class RuleVerifier:
    """Verifies sentences by rules alone, for embedding models without fitted weights; the rest is "weak"."""

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str = ""
    ) -> Verdict:
        """Return whether `evidence` may support `sentence`; arguments as in `Verifier.verify`."""
        features = verification_features(sentence, evidence, vector, None, vectors, known)
        missing = features.numbers + features.names
        if features.refuted:
            return Verdict("unsupported", 0.0, missing, refuted=True)
        return Verdict("weak", 0.5, missing)


def verifier_for(embedding_model: str, embedder: Embedder, alignment: Alignment) -> Verifier | RuleVerifier:
    """Return the verifier fitted for this embedding model, or one by rules for any other."""
    model = shipped_model(embedding_model)
    return Verifier(embedder, alignment, model) if model else RuleVerifier()


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), for any finite x without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
