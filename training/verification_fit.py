"""Fit the weights and limits of `rag.answering.verification.verifier`, with cross-validated scores."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from rag.answering.verification.features import CROSS_FEATURES, FEATURES, VerificationFeatures
from rag.answering.verification.verifier import ARRAYS, VERSION, Heads, Limits, VerifierModel
from training.verification_data import Pair

Scores = NDArray[np.float64]

FOLDS = 10
# See docs/decisions.md#verifier-fit for how these constants were chosen.
STRENGTH = 0.1  # scikit-learn's C; higher regularises less
SCIFACT_WEIGHT = 3.0  # weight of a SciFact pair; a derived pair has 1
# Shares of supported SciFact claims, and of supported sentences in the other language, below "weak"; higher
# drops more.
DROPPED_CLAIMS = 0.10
DROPPED_SENTENCES = 0.025
PRECISION = 0.8  # share of pairs above the "supported" limit that are supported; higher shows fewer
# Kinds of pairs that rules decide; their features are like those of supported pairs.
BY_RULE = ("number", "name")
_NO_LIMITS = Limits(supported=1.0, weak=0.0)


def fit_heads(
    pairs: Sequence[Pair], findings: Sequence[VerificationFeatures], features: Sequence[str]
) -> Heads:
    """Fit both regressions on pairs of one case (same or other language), without limits."""
    columns = [FEATURES.index(name) for name in features]
    rows = np.array([f.features[columns] for f in findings])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column may hold nothing but NaN
        centre, scale = np.nan_to_num(np.nanmean(rows, axis=0)), np.nan_to_num(np.nanstd(rows, axis=0))
    scale[scale < 1e-9] = 1.0
    standard = np.nan_to_num((rows - centre) / scale)
    related = np.array([p.related for p in pairs])
    supported = np.array([p.supported for p in pairs])
    weight = np.array([1.0 if p.derived else SCIFACT_WEIGHT for p in pairs])
    return Heads(
        tuple(features),
        centre,
        scale,
        _logistic(standard, related, weight),
        _logistic(standard[related], supported[related], weight[related]),
        _NO_LIMITS,
    )


def _logistic(rows: Scores, truth: NDArray[np.bool_], weight: Scores) -> Scores:
    fitted = LogisticRegression(C=STRENGTH, max_iter=3000).fit(rows, truth, sample_weight=weight)
    return np.concatenate([fitted.intercept_, fitted.coef_[0]])


def fit_model(pairs: Sequence[Pair], findings: Sequence[VerificationFeatures]) -> VerifierModel:
    """Fit heads for both cases, without limits."""
    heads = []
    for cross, features in ((False, FEATURES), (True, CROSS_FEATURES)):
        chosen = [i for i, f in enumerate(findings) if f.cross == cross and pairs[i].kind not in BY_RULE]
        heads.append(fit_heads([pairs[i] for i in chosen], [findings[i] for i in chosen], features))
    return VerifierModel(*heads)


def folds_of(pairs: Sequence[Pair], seed: int = 0) -> NDArray[np.int64]:
    """Return the fold of each pair; a group is never split."""
    groups = sorted({pair.group for pair in pairs})
    random.Random(seed).shuffle(groups)
    fold = {group: i % FOLDS for i, group in enumerate(groups)}
    return np.array([fold[pair.group] for pair in pairs])


def cross_fit(pairs: Sequence[Pair], findings: Sequence[VerificationFeatures]) -> Scores:
    """Return each pair's score from a model fitted on the other folds."""
    folds, scores = folds_of(pairs), np.zeros(len(pairs))
    for fold in range(FOLDS):
        rest = np.flatnonzero(folds != fold)
        model = fit_model([pairs[i] for i in rest], [findings[i] for i in rest])
        for i in np.flatnonzero(folds == fold):
            scores[i] = model.judge(findings[i]).score
    return scores


def choose_limits(pairs: Sequence[Pair], scores: Scores) -> Limits:
    """Return the limits for pairs of one case from their cross-validated scores.

    Only SciFact pairs count if there are any, because derived pairs in one language are easy.
    """
    claims = [i for i, pair in enumerate(pairs) if not pair.derived]
    hard = np.array(claims or range(len(pairs)))
    true = np.array([pairs[i].supported for i in hard])
    weak = float(np.quantile(scores[hard][true], DROPPED_CLAIMS if claims else DROPPED_SENTENCES))
    order = np.argsort(-scores[hard])
    enough = np.flatnonzero(np.cumsum(true[order]) / np.arange(1, len(order) + 1) >= PRECISION)
    supported = float(scores[hard][order[enough[-1]]]) if len(enough) else 1.0
    return Limits(max(supported, weak), weak)


def model_json(model: VerifierModel) -> dict[str, Any]:
    """Return the plain JSON values that `read_model` reads, rounded so that no verdict changes."""
    heads = {"same": _heads_json(model.same), "cross": _heads_json(model.cross)}
    return {"version": VERSION, **heads}


def _heads_json(heads: Heads) -> dict[str, Any]:
    return {
        "features": list(heads.features),
        **{name: [round(float(x), 5) for x in getattr(heads, name)] for name in ARRAYS},
        "supported": round(heads.limits.supported, 4),
        "weak": round(heads.limits.weak, 4),
    }


def with_limits(model: VerifierModel, same: Limits, cross: Limits) -> VerifierModel:
    """Return the model with the limits of both cases."""
    return replace(model, same=replace(model.same, limits=same), cross=replace(model.cross, limits=cross))
