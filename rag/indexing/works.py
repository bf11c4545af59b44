"""Give an abstract and its translation one `work_id`: in a whole library, or for what is new in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rag.embedding.alignment import Alignment, normalise_rows
from rag.embedding.base import Vectors
from rag.indexing.decisions import Decisions
from rag.indexing.dedup.twins import find_twins
from rag.schema import LANGUAGES, Language, Paper


def with_twins(
    papers: Mapping[str, Paper],
    vectors: Vectors,
    decisions: Decisions,
    model: str,
    new: Collection[str] | None = None,
) -> dict[str, Paper]:
    """Return all `papers` with the `work_id` that they have or get.

    Args:
        papers: by id, in any order.
        vectors: one row a paper (n, d), aligned and L2-normalised, in the order of `papers`.
        decisions: choices by hand.
        model: the name of the embedding model.
        new: ids of papers to find twins for, by default all.
    """
    shared = Counter(paper.work_id for paper in papers.values())
    # A work of which one text is left is no longer one: its paper may find another twin.
    free = [replace(p, work_id=None) if shared[p.work_id] == 1 else p for p in papers.values()]
    lonely = {p.paper_id for p, now in zip(papers.values(), free, strict=True) if now is not p and p.work_id}
    wanted = None if new is None else {*new, *lonely}
    names = find_twins(free, vectors, decisions, wanted, model)
    return {paper.paper_id: replace(paper, work_id=names.get(paper.paper_id)) for paper in free}


def has_both_languages(papers: Mapping[str, Paper]) -> bool:
    """Return whether there can be translations at all."""
    return len({paper.language for paper in papers.values()}) == len(LANGUAGES)


def paper_vectors(
    paper_ids: Sequence[str],
    owners: Sequence[str],
    languages: Sequence[Language],
    raw: Vectors,
    alignment: Alignment,
) -> Vectors:
    """Return one aligned vector a paper (n, d): the mean of its chunks, of which row i is `owners[i]`'s."""
    rows = {paper_id: row for row, paper_id in enumerate(paper_ids)}
    sums = np.zeros((len(paper_ids), raw.shape[1]), dtype=np.float32)
    np.add.at(sums, [rows[owner] for owner in owners], alignment.apply_each(raw, languages, "passage"))
    return normalise_rows(sums)
