"""Group papers of one work: equal text, identifier or reference, or joined by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rag.indexing.decisions import Decisions
from rag.indexing.dedup.blocking import equal_keys
from rag.indexing.dedup.reference import are_translations, has_abstract, is_other_work
from rag.schema import Paper

# Groups to compare a paper with under one key; higher finds more duplicates under the DOI of a large book.
_BLOCK_LIMIT = 50


class _Groups:
    """Disjoint groups of papers; a group never holds two papers that are different works."""

    def __init__(self, papers: Sequence[Paper], decisions: Decisions) -> None:
        self._papers = papers
        self._decisions = decisions
        self._group_of: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}

    def add(self, i: int) -> None:
        """Begin a group with one paper."""
        self._group_of[i] = i
        self._members[i] = [i]

    def merge(self, i: int, j: int, *, by_hand: bool = False) -> bool:
        """Make the groups of two papers one, if no two papers in them are different works."""
        first, second = sorted((self._group_of[i], self._group_of[j]))
        if first == second:
            return True
        ours, theirs = self._members[first], self._members[second]
        if self._decisions.split and self._decisions.forbid(
            *({self._papers[k].paper_id for k in side} for side in (ours, theirs))
        ):
            return False
        if not by_hand and any(
            is_other_work(one, other) for one in self._texts(ours) for other in self._texts(theirs)
        ):
            return False
        for k in theirs:
            self._group_of[k] = first
        ours += self._members.pop(second)
        return True

    def lists(self) -> Iterator[list[int]]:
        """Yield the papers of each group."""
        yield from self._members.values()

    def _texts(self, members: Sequence[int]) -> list[Paper]:
        """Return one paper of each text; the first of all, and those with an abstract."""
        distinct = {self._papers[i].paper_id: self._papers[i] for i in reversed(members)}
        first = self._papers[members[0]]
        rest = [p for p in distinct.values() if p.paper_id != first.paper_id and has_abstract(p)]
        return [first, *rest[:_BLOCK_LIMIT]]


def equal_groups(papers: Sequence[Paper], order: Sequence[int], decisions: Decisions) -> dict[int, list[int]]:
    """Group papers; map the best of each group, the first in `order`, to the group in `order`."""
    ranked = [papers[i] for i in order]
    groups = _Groups(ranked, decisions)
    holders: dict[str, list[int]] = defaultdict(list)
    by_id: dict[str, int] = {}
    for place, paper in enumerate(ranked):
        groups.add(place)
        groups.merge(by_id.setdefault(paper.paper_id, place), place, by_hand=True)
    for one, other in _joined(decisions, by_id):
        if not are_translations(ranked[one], ranked[other]):
            groups.merge(one, other, by_hand=True)
    for place, paper in enumerate(ranked):
        for key in equal_keys(paper):
            found = holders[key][:_BLOCK_LIMIT]
            if not any(groups.merge(holder, place) for holder in found):
                holders[key].append(place)
    return {
        order[group[0]]: [order[place] for place in sorted(group)] for group in map(sorted, groups.lists())
    }


def _joined(decisions: Decisions, by_id: dict[str, int]) -> Iterator[tuple[int, int]]:
    for pair in sorted(decisions.joined, key=sorted):
        places = [by_id[paper_id] for paper_id in sorted(pair) if paper_id in by_id]
        if len(places) == 2:
            yield places[0], places[1]
