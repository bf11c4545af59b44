"""One work, several texts: which kept papers are an abstract and its translation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rag.indexing.decisions import Decisions
from rag.schema import Paper


class Works:
    """Disjoint sets of paper ids that are one work; a set never holds a pair that is kept apart by hand."""

    def __init__(self, decisions: Decisions) -> None:
        """Begin with every id alone."""
        self._decisions = decisions
        self._sets: dict[str, set[str]] = {}

    def of(self, paper_id: str) -> set[str]:
        """Return the ids that are one work with this one."""
        return self._sets.get(paper_id, {paper_id})

    def join(self, first: str, second: str) -> bool:
        """Make the works of two ids one, unless somebody keeps them apart."""
        ours, theirs = self.of(first), self.of(second)
        if self._decisions.forbid(ours, theirs):
            return False
        union = ours | theirs
        self._sets |= dict.fromkeys(union, union)
        return True


def with_works(
    kept: Sequence[Paper], clusters: Sequence[Sequence[Paper]], decisions: Decisions
) -> tuple[Paper, ...]:
    """Return the kept papers with the `work_id` that their clusters have from the records, or none.

    Papers are one work if records in their clusters have the same `work_id`, or were joined by hand. The new
    `work_id` is the id of a kept paper, an English one if there is any.
    """
    works = Works(decisions)
    leader_of = {
        member.paper_id: paper.paper_id for paper, own in zip(kept, clusters, strict=True) for member in own
    }
    for paper, own in zip(kept, clusters, strict=True):
        for member in own:
            works.join(paper.paper_id, member.paper_id)
    for paper_id, other in _said(clusters, decisions):
        if paper_id in leader_of and other in leader_of:
            works.join(leader_of[paper_id], leader_of[other])
    names = name_works(kept, works)
    return tuple(replace(paper, work_id=names.get(paper.paper_id)) for paper in kept)


def name_works(kept: Sequence[Paper], works: Works) -> dict[str, str]:
    """Return the `work_id` of papers that share one: the least id of their English papers, else of any."""
    groups: dict[str, list[Paper]] = defaultdict(list)
    for paper in kept:
        groups[min(works.of(paper.paper_id))].append(paper)
    return {
        paper.paper_id: min(group, key=lambda one: (one.language != "en", one.paper_id)).paper_id
        for group in groups.values()
        if len(group) > 1
        for paper in group
    }


def _said(clusters: Iterable[Sequence[Paper]], decisions: Decisions) -> Iterator[tuple[str, str]]:
    """Yield pairs of ids that are one work by their records or by hand."""
    first: dict[str, str] = {}
    for member in (member for own in clusters for member in own):
        if member.work_id:
            yield first.setdefault(member.work_id, member.paper_id), member.paper_id
    for pair in sorted(decisions.joined, key=sorted):
        if len(pair) == 2:
            one, other = sorted(pair)
            yield one, other
