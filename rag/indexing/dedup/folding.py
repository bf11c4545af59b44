"""Fold duplicates: exact copies, one reference from several databases, and near copies.

Two records are one work if

1. `rag.text.cleaning.normalise` makes their texts equal;
2. they share a DOI, arXiv id or PMID, or title, authors and year, unless their texts have little in common;
3. their references are alike, or their abstracts are near copies, unless the texts contradict each other;
4. somebody said so (`rag.indexing.decisions`).

(3) compares a record only with the kept member of a cluster, so that small differences cannot add up along a
chain. Abstracts in two languages are never folded; `rag.indexing.dedup.twins` finds translations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.indexing.decisions import NO_DECISIONS, Decisions
from rag.indexing.dedup.alike import Match, join_alike
from rag.indexing.dedup.boilerplate import strip_boilerplate
from rag.indexing.dedup.groups import equal_groups
from rag.indexing.dedup.reference import doi_key, identifier_keys, reference_key
from rag.indexing.dedup.works import with_works
from rag.schema import Drop, DropReason, Paper

# Characters of abstract that a filled field is worth; higher prefers complete references.
# See docs/decisions.md#near-copies
_FIELD_WORTH = 100


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


def deduplicate(papers: Sequence[Paper], decisions: Decisions = NO_DECISIONS) -> DedupResult:
    """Fold duplicates of `papers`; the order of `papers` does not change which member is kept.

    The most complete member of a cluster is kept. It takes missing fields and all sources from the others.
    Kept papers and drops are in reading order. Every paper is kept or dropped. Takes linear time.
    """
    order = sorted(range(len(papers)), key=lambda i: _rank(papers[i]))
    groups = equal_groups(papers, order, decisions)
    leaders, joined = join_alike(papers, groups, decisions)
    clusters: dict[int, list[int]] = defaultdict(list)
    for leader, group in groups.items():
        clusters[joined[leader][0] if leader in joined else leader] += group
    why = {i: joined.get(leader) for leader, group in groups.items() for i in group}
    drops = {
        i: _drop(papers[i], papers[leader], why[i], decisions)
        for leader in leaders
        for i in clusters[leader]
        if i != leader
    }
    kept = sorted(leaders, key=lambda leader: min(clusters[leader]))
    merged = [_merge(papers, clusters[leader]) for leader in kept]
    inside = [[papers[i] for i in clusters[leader]] for leader in kept]
    return DedupResult(
        kept=with_works(merged, inside, decisions),
        dropped=tuple(drops[i] for i in sorted(drops)),
        clusters={
            papers[leader].paper_id: tuple(_member(drops[i]) for i in sorted(clusters[leader]) if i != leader)
            for leader in kept
            if len(clusters[leader]) > 1
        },
    )


def _member(drop: Drop) -> Member:
    return Member(drop.paper.paper_id, drop.reason, drop.score)


def _rank(paper: Paper) -> tuple[object, ...]:
    """Return the sort key that puts the most complete paper first and depends on content alone."""
    filled = sum(bool(field) for field in (paper.title, paper.authors, paper.year, paper.doi, paper.url))
    worth = len(strip_boilerplate(paper.text)) + _FIELD_WORTH * filled
    fields = (paper.title or "", paper.authors, paper.year or 0, paper.doi or "", paper.url or "")
    return (-worth, paper.text, *fields, [(source.file, source.position) for source in paper.sources])


def _drop(paper: Paper, kept: Paper, joined: Match | None, decisions: Decisions) -> Drop:
    """Return the drop of `paper` with the strongest reason that connects it to `kept`."""

    def because(reason: DropReason, score: float = 1.0) -> Drop:
        return Drop(paper, kept.paper_id, reason, score)

    if paper.paper_id == kept.paper_id:
        return because("exact")
    if doi_key(paper) and doi_key(paper) == doi_key(kept):
        return because("doi")
    if set(identifier_keys(paper)) & set(identifier_keys(kept)):
        return because("identifier")
    if joined:
        return because(joined[1], joined[2])
    reference = reference_key(paper)
    by_hand = any(paper.paper_id in pair for pair in decisions.joined)
    return because(
        "by hand" if by_hand and not (reference and reference == reference_key(kept)) else "metadata"
    )


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
        venue=next((member.venue for member in members if member.venue), None),
        keywords=next((member.keywords for member in members if member.keywords), ()),
        arxiv_id=next((member.arxiv_id for member in members if member.arxiv_id), None),
        pmid=next((member.pmid for member in members if member.pmid), None),
    )
