"""Verification: does the evidence that a sentence cites support it?

Two logistic regressions over the features of `rag.answering.verification.features` are multiplied, one for "the evidence speaks of
this" and one for "and says the same, not the opposite"; a pair of them for evidence in the sentence's own language,
a pair for evidence in the other. They are fitted by `benchmarks/verification.py`, which also writes
rag/data/verifier.json. What no likeness can outweigh is decided by rule: a number that the evidence lacks, and a repetition but for a negation or a direction, make a sentence "unsupported"; a missing name makes
it "weak" at best.
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

from rag.answering.verification.features import FEATURES, Findings, find_features
from rag.answering.verification.polarity import turn_round
from rag.embedding.alignment import Alignment
from rag.embedding.base import Embedder, Vectors
from rag.schema import Support
from rag.text.language import detect_language

VERSION = 1
# What is left of the score of a sentence that a rule refutes; .1 costs .01 of the AUC on SciFact, where 4 % of the
# supported claims hold a number in another form.
_REFUTED = 0.3
# Keeps a score that is 0 or 1 finite as log odds.
_EDGE = 1e-4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is supported, how surely (0 to 1), and the numbers and names that its evidence lacks.

    `refuted` says that a rule is against it, whatever its likeness.
    """

    support: Support
    score: float
    missing: tuple[str, ...] = ()
    refuted: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """The scores from which a sentence is "supported" and "weak"."""

    supported: float
    weak: float

    def judge(self, score: float, findings: Findings) -> Support:
        """Return the verdict on a score: "unsupported" where a rule refutes, at most "weak" where a name is missing."""
        if findings.refuted or score < self.weak:
            return "unsupported"
        return "supported" if score >= self.supported and not findings.names else "weak"


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
        return sigmoid(self._sum(self.related, standard)) * sigmoid(self._sum(self.agrees, standard))

    @staticmethod
    def _sum(weights: NDArray[np.float64], row: NDArray[np.float64]) -> float:
        return float(weights[0] + weights[1:] @ row)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Heads:
        """Read what `write` made."""
        arrays = {
            name: np.asarray(raw[name], dtype=np.float64) for name in ("centre", "scale", "related", "agrees")
        }
        return cls(tuple(raw["features"]), **arrays, limits=Limits(raw["supported"], raw["weak"]))

    def write(self) -> dict[str, Any]:
        """Return it as plain JSON values, rounded to what changes no verdict."""
        arrays = {name: getattr(self, name) for name in ("centre", "scale", "related", "agrees")}
        return {
            "features": list(self.features),
            **{name: [round(float(x), 5) for x in array] for name, array in arrays.items()},
        } | _write_limits(self.limits)


@dataclass(frozen=True, slots=True)
class VerifierModel:
    """What was fitted for an embedding model: heads for evidence in the same and in the other language."""

    embedding: str
    same: Heads
    cross: Heads

    def judge(self, findings: Findings) -> Verdict:
        """Return the verdict on one sentence."""
        heads = self.cross if findings.cross else self.same
        score, limits = heads.score(findings.features), heads.limits
        if findings.refuted:
            score *= _REFUTED
        missing = findings.numbers + findings.names
        return Verdict(limits.judge(score, findings), score, missing, findings.refuted)

    def write(self) -> dict[str, Any]:
        """Return it as plain JSON values, which `read_model` reads."""
        return {
            "version": VERSION,
            "embedding": self.embedding,
            "same": self.same.write(),
            "cross": self.cross.write(),
        }


class Verifier:
    """Holds sentences against their evidence; safe to use from several threads if its embedder is."""

    def __init__(self, embedder: Embedder, alignment: Alignment, model: VerifierModel | None = None) -> None:
        """Keep what is needed; without `model` the shipped one is read."""
        self._embedder = embedder
        self._alignment = alignment
        self._model = model or shipped_model()

    def verify(
        self,
        sentence: str,
        evidence: Sequence[str],
        *,
        vector: Vectors | None = None,
        vectors: Vectors | None = None,
        known: str = "",
    ) -> Verdict:
        """Return whether `evidence` supports `sentence`.

        When the vectors are given, only the sentence saying the opposite is embedded.

        Args:
            sentence: one sentence of an answer, without markers.
            evidence: the cited sentences, all in one language, as `rag.answering.verification.features.rank_evidence` chooses.
            vector: the sentence's aligned vector (d,).
            vectors: the evidence's aligned vectors (n, d).
            known: text whose numbers and names count as stated too, such as the title and the question.
        """
        if not evidence or not sentence.strip():
            return Verdict("unsupported", 0.0)
        if vectors is None:
            vectors = self._embed(evidence)
        opposite = turn_round(sentence)
        wanted = ([sentence] if vector is None else []) + ([opposite] if opposite else [])
        rows = list(self._embed(wanted, like=sentence)) if wanted else []
        own = rows.pop(0) if vector is None else vector
        findings = find_features(sentence, evidence, own, rows[0] if rows else None, vectors, known)
        return self._model.judge(findings)

    def _embed(self, texts: Sequence[str], like: str = "") -> Vectors:
        language = detect_language(like or " ".join(texts))
        return self._alignment.apply(self._embedder.embed_passages(texts), language, "passage")


class RuleVerifier:
    """Holds sentences against their evidence by rule alone, for embedding models that no weights were fitted for.

    What is not refuted is "weak".
    """

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str = ""
    ) -> Verdict:
        """Return whether `evidence` may support `sentence`; arguments as in `Verifier.verify`."""
        findings = find_features(sentence, evidence, vector, None, vectors, known)
        support: Support = "unsupported" if findings.refuted else "weak"
        return Verdict(
            support, 0.0 if findings.refuted else 0.5, findings.numbers + findings.names, findings.refuted
        )


def verifier_for(embedding_model: str, embedder: Embedder, alignment: Alignment) -> Verifier | RuleVerifier:
    """Return the shipped verifier where it was fitted for this embedding model, one by rule for any other."""
    model = shipped_model()
    return Verifier(embedder, alignment, model) if embedding_model == model.embedding else RuleVerifier()


def _write_limits(limits: Limits) -> dict[str, float]:
    return {"supported": round(limits.supported, 4), "weak": round(limits.weak, 4)}


@cache
def shipped_model() -> VerifierModel:
    """Return the model in rag/data/verifier.json."""
    text = files("rag").joinpath("data", "verifier.json").read_text(encoding="utf-8")
    return read_model(json.loads(text))


def read_model(raw: Mapping[str, Any]) -> VerifierModel:
    """Return the model that `raw` describes; raise ValueError for one of another version."""
    if raw.get("version") != VERSION:
        raise ValueError(f"this verifier has version {raw.get('version')}, not {VERSION}")
    return VerifierModel(raw["embedding"], Heads.read(raw["same"]), Heads.read(raw["cross"]))


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), for any finite x without overflow; `log_odds` undoes it."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def log_odds(share: float) -> float:
    """Return ln(p / (1 - p)) of a share, held off 0 and 1."""
    share = min(max(share, _EDGE), 1 - _EDGE)
    return math.log(share / (1 - share))
