"""Fold duplicates: exact copies, one reference from several databases, and near copies.

Two records are one work if (1) `rag.text.cleaning.normalise` makes their texts equal, (2) they share a DOI,
(3) title, authors and year are equal, (4) their references are alike, or (5) their abstracts are near copies.
(1) to (3) join without any other test. (4) and (5) never join texts that contradict each other, and compare a
record only with the kept member of a cluster, so that small differences cannot add up along a chain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.indexing.dedup.boilerplate import strip_boilerplate
from rag.indexing.dedup.contrast import find_contrast, number_sequence
from rag.indexing.dedup.minhash import NearIndex, jaccard, shingles
from rag.indexing.dedup.reference import (
    doi_key,
    has_abstract,
    is_other_work,
    kinds,
    reference_key,
    reference_score,
    title_blocks,
    title_likeness,
)
from rag.schema import Drop, DropReason, Paper

_Match = tuple[int, DropReason, float]  # the kept paper, why the other joins it, and their similarity

# Thresholds: tuned by benchmarks/dedup.py; see docs/decisions.md#near-copies
_NEAR = 0.8  # Jaccard of abstract shingles; higher joins fewer papers
_NEAR_RETITLED = 0.95  # the same for papers with different titles
_RETITLED_LENGTH = 200  # characters that both abstracts of papers with different titles must have
_FIELD_WORTH = 100  # characters of abstract that a filled field is worth; higher prefers complete references
_BLOCK_LIMIT = 50  # comparisons per blocking key; higher finds more duplicates among very common titles


@dataclass(frozen=True, slots=True)
class Member:
    """One folded record of a cluster: its id, why it was folded, and its similarity (1.0 if equal)."""

    paper_id: str
    reason: DropReason
    score: float


@dataclass(frozen=True, slots=True)
class DedupResult:
    """The kept papers, with the sources of their whole clusters, and the dropped ones.

    `clusters` maps the id of a kept paper to the records folded into it, in reading order.
    """

    kept: tuple[Paper, ...]
    dropped: tuple[Drop, ...]
    clusters: Mapping[str, tuple[Member, ...]]


def deduplicate(papers: Sequence[Paper]) -> DedupResult:
    """Fold duplicates of `papers`; the order of `papers` does not change which member is kept.

    The most complete member of a cluster is kept. It takes missing fields and all sources from the others.
    Kept papers and drops are in reading order. Takes linear time.
    """
    order = sorted(range(len(papers)), key=lambda i: _rank(papers[i]))
    groups = _equal_groups(papers, order)
    leaders, joined = _join_alike(papers, groups)
    clusters: dict[int, list[int]] = defaultdict(list)
    for leader, group in groups.items():
        clusters[joined.get(leader, (leader, "near", 1.0))[0]] += group
    why = {i: joined.get(leader) for leader, group in groups.items() for i in group}
    drops = {
        i: _drop(papers[i], papers[leader], why[i])
        for leader in leaders
        for i in sorted(clusters[leader])
        if i != leader
    }
    kept = sorted(leaders, key=lambda leader: min(clusters[leader]))
    return DedupResult(
        kept=tuple(_merge(papers, clusters[leader]) for leader in kept),
        dropped=tuple(drops[i] for i in sorted(drops)),
        clusters={
            papers[leader].paper_id: tuple(
                Member(drops[i].paper.paper_id, drops[i].reason, drops[i].score)
                for i in sorted(clusters[leader])
                if i != leader
            )
            for leader in kept
            if len(clusters[leader]) > 1
        },
    )


def _rank(paper: Paper) -> tuple[object, ...]:
    """Return the sort key that puts the most complete paper first and depends on content alone."""
    filled = sum(bool(field) for field in (paper.title, paper.authors, paper.year, paper.doi, paper.url))
    worth = len(strip_boilerplate(paper.text)) + _FIELD_WORTH * filled
    fields = (paper.title or "", paper.authors, paper.year or 0, paper.doi or "", paper.url or "")
    return (-worth, paper.text, *fields, [(source.file, source.position) for source in paper.sources])


def _equal_groups(papers: Sequence[Paper], order: Sequence[int]) -> dict[int, list[int]]:
    """Join papers with equal id, DOI or reference (union-find); map the best of each group to the group."""
    parents = list(range(len(papers)))
    first: dict[Hashable, int] = {}
    holders: dict[str, list[int]] = defaultdict(list)
    for i in order:
        for key in (papers[i].paper_id, reference_key(papers[i])):
            if key:
                parents[_root(parents, i)] = _root(parents, first.setdefault(key, i))
        if doi := doi_key(papers[i]):
            same = (j for j in holders[doi] if not is_other_work(papers[j], papers[i]))
            if (other := next(same, None)) is None:
                holders[doi].append(i)
            else:
                parents[_root(parents, i)] = _root(parents, other)
    groups: dict[int, list[int]] = defaultdict(list)
    for i in order:
        groups[_root(parents, i)].append(i)
    return {group[0]: group for group in groups.values()}


def _root(parents: list[int], i: int) -> int:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


def _join_alike(papers: Sequence[Paper], candidates: Iterable[int]) -> tuple[list[int], dict[int, _Match]]:
    """Split candidates, best first, into leaders and papers that join a leader."""
    near, blocks = NearIndex(), defaultdict[str, list[int]](list)
    leaders: list[int] = []
    joined: dict[int, _Match] = {}
    for i in candidates:
        paper, text = papers[i], strip_boilerplate(papers[i].text)
        sketch = near.sketch(shingles(text, paper.language), number_sequence(text))
        keys = title_blocks(paper)
        titled = dict.fromkeys(j for key in keys for j in blocks[key][:_BLOCK_LIMIT])
        alike = [leaders[place] for place in near.near(sketch)]
        found: list[_Match] = [
            *((j, "metadata", score) for j in titled if (score := reference_score(paper, papers[j]))),
            *((j, "near", score) for j in alike if (score := near_score(paper, papers[j]))),
        ]
        if found:
            joined[i] = max(
                found, key=lambda match: match[2]
            )  # the first of equals, which is the best leader
            continue
        near.add(len(leaders), sketch)
        leaders.append(i)
        for key in keys:
            blocks[key].append(i)
    return leaders, joined


def near_score(first: Paper, second: Paper) -> float | None:
    """Return the Jaccard similarity of two near copies that do not contradict each other, else None."""
    if first.language != second.language or not (has_abstract(first) and has_abstract(second)):
        return None
    ours, theirs = strip_boilerplate(first.text), strip_boilerplate(second.text)
    likeness = jaccard(shingles(ours, first.language), shingles(theirs, second.language))
    other_kind = bool(first.title) == bool(second.title) and kinds(first) != kinds(second)
    if likeness < _NEAR or other_kind or find_contrast(ours, theirs):
        return None
    if first.title and second.title and title_likeness(first, second) is None:
        enough = likeness >= _NEAR_RETITLED and min(len(ours), len(theirs)) >= _RETITLED_LENGTH
        return likeness if enough and find_contrast(first.title, second.title) != "number" else None
    return likeness


def _drop(paper: Paper, kept: Paper, joined: _Match | None) -> Drop:
    """Return the drop of `paper` with the strongest reason that connects it to `kept`."""
    if paper.paper_id == kept.paper_id:
        return Drop(paper, kept.paper_id, "exact", 1.0)
    if doi_key(paper) and doi_key(paper) == doi_key(kept):
        return Drop(paper, kept.paper_id, "doi", 1.0)
    if joined:
        return Drop(paper, kept.paper_id, joined[1], joined[2])
    return Drop(paper, kept.paper_id, "metadata", 1.0)


def _merge(papers: Sequence[Paper], cluster: Sequence[int]) -> Paper:
    members = [papers[i] for i in cluster]  # the leader first
    return replace(
        members[0],
        sources=tuple(dict.fromkeys(source for i in sorted(cluster) for source in papers[i].sources)),
        title=next((member.title for member in members if member.title), None),
        authors=next((member.authors for member in members if member.authors), ()),
        year=next((member.year for member in members if member.year), None),
        doi=next((member.doi for member in members if member.doi), None),
        url=next((member.url for member in members if member.url), None),
    )
