"""Split records into groups that can be folded apart: two that share a blocking key are in one group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence


def components(keys: Sequence[Sequence[Hashable]]) -> list[list[int]]:
    """Return the groups of positions that are connected through shared keys, each sorted, by first member.

    `keys[i]` are the blocking keys of record i. Takes near linear time (union-find).
    """
    parents = list(range(len(keys)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    first: dict[Hashable, int] = {}
    for place, own in enumerate(keys):
        for key in own:
            parents[root(place)] = root(first.setdefault(key, place))
    groups: dict[int, list[int]] = defaultdict(list)
    for place in range(len(keys)):
        groups[root(place)].append(place)
    return list(groups.values())


def packed(groups: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Return the groups in batches of at least `size` positions, but the last; each batch sorted."""
    batches: list[list[int]] = [[]]
    for group in groups:
        if len(batches[-1]) >= size:
            batches.append([])
        batches[-1] += group
    return [sorted(batch) for batch in batches if batch]
