"""Print AUC, precision and verdicts by kind of pair, with bootstrap intervals over groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.verification_data import Pair
from training.verification_fit import Scores

RESAMPLES = 1000
Mask = NDArray[np.bool_]


def print_ways(title: str, pairs: Sequence[Pair], scores: Scores) -> None:
    """Print AUC and precision at recall .9 for SciFact and each pair of languages."""
    kinds = np.array([p.kind for p in pairs])
    ways = np.array([p.way for p in pairs])
    rows = [
        (f"SciFact SUPPORT/{other}", kinds == "SUPPORT", kinds == other) for other in ("NONE", "CONTRADICT")
    ]
    for way in ("en->en", "zh->zh", "en->zh", "zh->en"):
        for other in ("neighbour", "negation", "number", "name"):
            here = ways == way
            rows.append((f"own/{other} {way}", here & (kinds == "own"), here & (kinds == other)))
    print(f"\n{title:<42} {'n':>9}  {'AUC':<20}  P@R.9")
    groups = [p.group for p in pairs]
    for name, positive, negative in rows:
        if positive.any() and negative.any():
            curve, precision = (
                spread(groups, positive, negative, lambda p, n, f=f: f(scores[p], scores[n]))
                for f in (area, precision_at)
            )
            print(f"{name:<42} {positive.sum():>4}/{negative.sum():<4}  {curve:<20}  {precision}")


def print_caught(title: str, pairs: Sequence[Pair], given: Sequence[str]) -> None:
    """Print which shares of each kind of pair are "unsupported" and "supported"."""
    kinds, verdict = np.array([p.kind for p in pairs]), np.array(given)
    cross = np.array([p.language != p.stored for p in pairs])
    print(f"\n{title:<42} {'n':>9}  {'dropped':<20}  shown as supported")
    groups = [p.group for p in pairs]
    for kind in ("own", "number", "name", "negation", "neighbour", "SUPPORT", "CONTRADICT", "NONE"):
        for case, where in (("same language", ~cross), ("other language", cross)):
            chosen = (kinds == kind) & where
            if chosen.any():
                shares = [
                    spread(groups, chosen, None, lambda p, _, w=word: float((verdict[p] == w).mean()))
                    for word in ("unsupported", "supported")
                ]
                print(f"{kind + ', ' + case:<42} {chosen.sum():>9}  {shares[0]:<20}  {shares[1]}")


def area(positive: Scores, negative: Scores) -> float:
    """Return the AUC; ties count half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(negative))


def precision_at(positive: Scores, negative: Scores, recall: float = 0.9) -> float:
    """Return the precision at the highest score that keeps `recall` of the positives."""
    limit = np.quantile(positive, 1 - recall, method="lower")
    right, wrong = (positive >= limit).sum(), (negative >= limit).sum()
    return float(right / (right + wrong))


def spread(
    groups: Sequence[str],
    positive: Mask,
    negative: Mask | None,
    statistic: Callable[[NDArray[np.int64], NDArray[np.int64]], float],
) -> str:
    """Return a statistic of two index sets with its 95 % bootstrap interval over groups."""
    members: dict[str, tuple[list[int], list[int]]] = {}
    for side, mask in enumerate((positive, negative)):
        for i in np.flatnonzero(mask) if mask is not None else ():
            members.setdefault(groups[i], ([], []))[side].append(int(i))
    blocks = [(np.array(p, dtype=int), np.array(n, dtype=int)) for p, n in members.values()]
    draw, values = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        chosen = [blocks[i] for i in draw.integers(len(blocks), size=len(blocks))]
        p, n = (np.concatenate([block[side] for block in chosen]) for side in (0, 1))
        if len(p) and (negative is None or len(n)):
            values.append(statistic(p, n))
    low, high = np.quantile(values, (0.025, 0.975))
    point = statistic(
        np.flatnonzero(positive), np.flatnonzero(negative) if negative is not None else np.array([])
    )
    return f"{point:.3f} [{low:.3f}, {high:.3f}]"
