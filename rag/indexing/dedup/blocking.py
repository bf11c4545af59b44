"""Blocking keys (stand-in until the real module lands)."""

from __future__ import annotations

from functools import cache

from rag.indexing.dedup.boilerplate import strip_boilerplate
from rag.indexing.dedup.contrast import number_sequence
from rag.indexing.dedup.minhash import NearIndex, shingles
from rag.indexing.dedup.reference import doi_key, reference_key, title_blocks
from rag.schema import Paper


@cache
def _near() -> NearIndex:
    return NearIndex()


def blocking_keys(paper: Paper) -> tuple[str, ...]:
    """Return the keys that duplicates share."""
    text = strip_boilerplate(paper.text)
    values = _near().sketch(shingles(text, paper.language), number_sequence(text)).hashvalues
    keys = [f"band {n} {values[5 * n : 5 * n + 5].tolist()}" for n in range(25)]
    keys += [f"id {paper.paper_id}", *(f"title {block}" for block in title_blocks(paper))]
    keys += [f"doi {doi}"] if (doi := doi_key(paper)) else []
    keys += [f"reference {reference}"] if (reference := reference_key(paper)) else []
    return tuple(keys)
