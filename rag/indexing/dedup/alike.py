"""Join papers by likeness: alike references, or abstracts that are near copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from rag.indexing.decisions import Decisions
from rag.indexing.dedup.blocking import alike_keys
from rag.indexing.dedup.boilerplate import comparable_text
from rag.indexing.dedup.contrast import find_contrast
from rag.indexing.dedup.minhash import jaccard, shingles
from rag.indexing.dedup.reference import has_abstract, kinds, reference_score, title_likeness
from rag.schema import Paper

Likeness = Literal["near", "metadata"]
Match = tuple[int, Likeness, float]
"""The kept paper, why the other joins it, and their similarity."""

# Thresholds: tuned by benchmarks/dedup.py; see docs/decisions.md#near-copies
_NEAR = 0.8  # Jaccard of abstract shingles; higher joins fewer papers
_NEAR_RETITLED = 0.95  # the same for papers with different titles
_RETITLED_LENGTH = 200  # characters that both abstracts of papers with different titles must have
_BLOCK_LIMIT = 50  # comparisons per blocking key; higher finds more duplicates among very common titles


def join_alike(
    papers: Sequence[Paper], groups: Mapping[int, Sequence[int]], decisions: Decisions
) -> tuple[list[int], dict[int, Match]]:
    """Split the best papers of `groups`, best first, into leaders and papers that join a leader.

    A paper is compared with leaders only, so that small differences cannot add up along a chain.
    """
    blocks: dict[str, list[int]] = defaultdict(list)  # places in `leaders`
    leaders: list[int] = []
    members: list[set[str]] = []
    joined: dict[int, Match] = {}
    for i, group in groups.items():
        own = {papers[member].paper_id for member in group} if decisions.split else set()
        keys = alike_keys(papers[i])
        near = sorted({place for key in keys for place in blocks[key][:_BLOCK_LIMIT]})
        allowed = [place for place in near if not decisions.forbid(own, members[place])]
        found = [(place, match) for place in allowed if (match := alike(papers[i], papers[leaders[place]]))]
        if found:  # the first of equals is the best leader
            place, (reason, score) = max(found, key=lambda one: one[1][1])
            joined[i] = leaders[place], reason, score
            members[place] |= own
            continue
        for key in keys:
            blocks[key].append(len(leaders))
        leaders.append(i)
        members.append(own)
    return leaders, joined


def alike(first: Paper, second: Paper) -> tuple[Likeness, float] | None:
    """Return why two papers without an equal identifier or reference are one work, and how alike, or None."""
    scores: list[tuple[Likeness, float | None]] = [
        ("metadata", reference_score(first, second)),
        ("near", near_score(first, second)),
    ]
    found = [(reason, score) for reason, score in scores if score is not None]
    return max(found, key=lambda one: one[1]) if found else None


def near_score(first: Paper, second: Paper) -> float | None:
    """Return the Jaccard similarity of two near copies that do not contradict each other, else None."""
    if first.language != second.language or not (has_abstract(first) and has_abstract(second)):
        return None
    ours, theirs = comparable_text(first.text), comparable_text(second.text)
    likeness = jaccard(shingles(ours, first.language), shingles(theirs, second.language))
    other_kind = bool(first.title) == bool(second.title) and kinds(first) != kinds(second)
    if likeness < _NEAR or other_kind or find_contrast(ours, theirs):
        return None
    if first.title and second.title and title_likeness(first, second) is None:
        enough = likeness >= _NEAR_RETITLED and min(len(ours), len(theirs)) >= _RETITLED_LENGTH
        return likeness if enough and find_contrast(first.title, second.title) != "number" else None
    return likeness
