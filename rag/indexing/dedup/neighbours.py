"""Nearest neighbours across two languages, and how much nearer a pair is than its surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# See docs/decisions.md#twins
_NEIGHBOURS = 10  # nearest texts of the other language that make the surroundings of a text
_FEW = 3  # of them among which the nearest by gain is looked for from the other side
_BLOCK = 512  # rows of one matrix product; higher uses more memory


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows that are nearest to each other.

    `gain` is twice their cosine less the mean cosine of both to their surroundings (CSLS). `margin` is by how
    much the gain exceeds that of the next best pair of either.
    """

    row: int
    column: int
    gain: float
    margin: float


@dataclass(frozen=True, slots=True)
class _Near:
    """The nearest columns of one row, nearest first, and the mean of their cosines."""

    columns: NDArray[np.intp]
    cosines: Vectors
    density: float


class Surroundings:
    """The vectors (n, d) and (m, d) of two languages, L2-normalised; neighbours are found when asked for."""

    def __init__(self, rows: Vectors, columns: Vectors, floor: float) -> None:
        """Keep the vectors; nothing is computed yet.

        `floor` is the cosine that every text is taken to have to others at least, because a library of few
        papers has no surroundings that could tell; higher lowers gains.
        """
        self._sides = (rows, columns)
        self._floor = floor
        self._near: tuple[dict[int, _Near], dict[int, _Near]] = ({}, {})

    def pairs(self, rows: Sequence[int]) -> list[Pair]:
        """Return the pairs of these rows and a column that are nearest to each other."""
        self._find(0, rows)
        self._find(1, {int(c) for row in rows for c in self._near[0][row].columns})
        self._find(0, {int(r) for near in self._near[1].values() for r in near.columns})
        return [pair for row in rows if (pair := self._pair(row))]

    def rows_near(self, columns: Sequence[int]) -> set[int]:
        """Return the few rows that are nearest to each of these columns."""
        self._find(1, columns)
        return {int(row) for column in columns for row in self._near[1][column].columns[:_FEW]}

    def gain(self, row: int, column: int) -> float:
        """Return the gain of any pair."""
        self._find(0, [row])
        self._find(1, [column])
        cosine = float(self._sides[0][row] @ self._sides[1][column])
        return 2 * cosine - self._near[0][row].density - self._near[1][column].density

    def _pair(self, row: int) -> Pair | None:
        gains = self._gains(0, row)
        column = max(gains, key=lambda one: (gains[one], -one))
        others = self._gains(1, column)
        if max(others, key=lambda one: (others[one], -one)) != row:
            return None
        gain = gains.pop(column)
        others.pop(row)
        return Pair(row, column, gain, gain - max([0.0, *gains.values(), *others.values()]))

    def _gains(self, side: int, index: int) -> dict[int, float]:
        near, far = self._near[side][index], self._near[1 - side]
        return {
            int(other): float(2 * cosine - near.density - far[int(other)].density)
            for other, cosine in zip(near.columns, near.cosines, strict=True)
            if int(other) in far
        }

    def _find(self, side: int, wanted: Iterable[int]) -> None:
        missing = sorted(set(wanted) - self._near[side].keys())
        ours, theirs = self._sides[side], self._sides[1 - side]
        count = min(_NEIGHBOURS, len(theirs))
        for first in range(0, len(missing), _BLOCK):
            block = missing[first : first + _BLOCK]
            cosines = ours[block] @ theirs.T
            nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
            for index, columns, own in zip(block, nearest, cosines, strict=True):
                order = columns[np.lexsort((columns, -own[columns]))]
                raised = np.maximum(own[order], self._floor).sum() + (_NEIGHBOURS - count) * self._floor
                self._near[side][index] = _Near(order, own[order], float(raised) / _NEIGHBOURS)
