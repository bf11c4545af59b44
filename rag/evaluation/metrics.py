"""Pure functions that score rankings, citations and refusals; "not scored" is None, never 0.

A ranking is a sequence of distinct document ids, best first.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054  # two-sided 95% quantile of the standard normal distribution
RESAMPLES = 2_000  # Efron and Tibshirani 1993, section 14.5: at least 1,000 for percentile limits
_BLOCK = 1 << 22  # resample counts held at a time: 32 MB


def recall_at_k(ranking: Sequence[str], relevant: Collection[str], k: int) -> float | None:
    """Return the share of `relevant` among the first `k` of `ranking`; None when nothing is relevant.

    Definition: trec_eval `recall_k`. Raises ValueError when `k` < 1.
    """
    _require_positive(k)
    wanted = set(relevant)
    return len(wanted.intersection(ranking[:k])) / len(wanted) if wanted else None


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str], k: int | None = None) -> float | None:
    """Return 1 / rank of the first relevant document, 0.0 without one; None when nothing is relevant.

    With `k` only the first `k` of `ranking` count (MRR@k is the mean of it). Definition: Voorhees 1999
    (TREC-8 question answering), trec_eval `recip_rank`. Raises ValueError when `k` < 1.
    """
    if k is not None:
        _require_positive(k)
    if not relevant:
        return None
    ranks = (rank for rank, document in enumerate(ranking[:k], start=1) if document in relevant)
    first = next(ranks, None)
    return 1 / first if first else 0.0


def ndcg_at_k(ranking: Sequence[str], gains: Mapping[str, float], k: int) -> float | None:
    """Return the discounted gain of the first `k` over the best possible; None when no gain is positive.

    Definition: Järvelin and Kekäläinen 2002 with gain / log2(rank + 1), as trec_eval `ndcg_cut_k`;
    negative gains count as 0. Raises ValueError when `k` < 1.
    """
    _require_positive(k)
    ideal = _dcg(sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:k])
    found = _dcg([max(gains.get(document, 0.0), 0.0) for document in ranking[:k]])
    return found / ideal if ideal else None


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float] | None:
    """Return the score interval (low, high) of a share in [0, 1]; None without trials.

    Source: Wilson 1927, without continuity correction; chosen because it stays honest at 0 and 1 and with
    ten trials (Brown, Cai and DasGupta 2001). Raises ValueError unless 0 <= `successes` <= `trials`.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and {trials}, not {successes}")
    if trials == 0:
        return None
    share, square = successes / trials, z * z
    centre = share + square / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p of the exact McNemar test; 1.0 where nothing changed.

    `gained` and `lost` count the pairs that changed one way and the other. Source: McNemar 1947; the exact
    binomial form, since few pairs change. Raises ValueError for a negative count.
    """
    if gained < 0 or lost < 0:
        raise ValueError("counts of changed pairs cannot be negative")
    changed, fewer = gained + lost, min(gained, lost)
    tail: float = sum(math.comb(changed, k) for k in range(fewer + 1)) / 2**changed
    return min(1.0, 2 * tail)


# What a ranking is judged by, each from the first 100 documents of it and the gains of the relevant ones.
RANKING_MEASURES: Mapping[str, Callable[[Sequence[str], Mapping[str, float]], float | None]] = {
    "nDCG@10": lambda ranking, gains: ndcg_at_k(ranking, gains, 10),
    "R@1": lambda ranking, gains: recall_at_k(ranking, gains, 1),
    "R@3": lambda ranking, gains: recall_at_k(ranking, gains, 3),
    "R@10": lambda ranking, gains: recall_at_k(ranking, gains, 10),
    "R@100": lambda ranking, gains: recall_at_k(ranking, gains, 100),
    "MRR@10": lambda ranking, gains: reciprocal_rank(ranking, gains, 10),
}


def bootstrap_intervals(
    values: NDArray[np.float64], confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> list[tuple[float, float]]:
    """Return the percentile bootstrap interval (low, high) of the mean of each column of `values` (n, m).

    Every column is resampled with the same rows, so intervals of differences of columns are paired. How often
    each of n rows is drawn in one resample is multinomial, so no resample is ever written out. Quantiles:
    Hyndman and Fan 1996, type 7. Raises ValueError without rows and as `bootstrap_interval`.
    """
    if not 0 < confidence < 1 or resamples < 2:
        raise ValueError("confidence must lie between 0 and 1 and resamples be at least 2")
    rows = len(values)
    if not rows:
        raise ValueError("there are no rows to resample")
    rng = np.random.default_rng(seed)
    shares = np.full(rows, 1 / rows)
    block = max(1, _BLOCK // rows)
    means = np.concatenate(
        [
            rng.multinomial(rows, shares, size=min(block, resamples - first)) @ values / rows
            for first in range(0, resamples, block)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def macro_f1(pairs: Sequence[tuple[str, str | None]]) -> float | None:
    """Return the mean F1 over the classes that occur in `(expected, given)` pairs; None without pairs.

    Definition: as scikit-learn's `f1_score(average="macro")`; a class that is never right has F1 0. Where
    None is given, what is expected is missed, and no class is given instead.
    """
    classes = sorted({name for pair in pairs for name in pair if name is not None})
    scores = []
    for name in classes:
        hits = sum(expected == given == name for expected, given in pairs)
        wanted = sum(expected == name for expected, _ in pairs)
        given_out = sum(given == name for _, given in pairs)
        scores.append(2 * hits / (wanted + given_out))
    return statistics.fmean(scores) if scores else None


def risk_coverage(answered: Iterable[tuple[float, bool]], asked: int) -> list[tuple[float, float]]:
    """Return (coverage, risk) for every number of answers given, the most confident first.

    `answered` are (confidence, wrong) of the answers, `asked` how many questions there were: coverage is
    the share that would be answered by a limit just below that confidence, risk the share of these answers
    that are wrong. Answers that are equally confident are given together. Definition: El-Yaniv and Wiener
    2010, with unanswerable questions among those asked. Raises ValueError where there are more answers than
    questions.
    """
    ranked = sorted(answered, key=lambda answer: -answer[0])
    if len(ranked) > asked:
        raise ValueError(f"{len(ranked)} answers to {asked} questions")
    curve, wrong = [], 0
    for given, (confidence, is_wrong) in enumerate(ranked, 1):
        wrong += is_wrong
        if given == len(ranked) or ranked[given][0] < confidence:
            curve.append((given / asked, wrong / given))
    return curve


def _dcg(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _require_positive(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
