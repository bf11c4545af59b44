"""Blocking keys: two papers that `deduplicate` would join directly always have one in common.

Near copies are found by MinHash, so "always" means a probability of .9999 for them at the lowest similarity
that joins; see docs/decisions.md#minhash-bands
"""

from __future__ import annotations

import hashlib

from rag.indexing.decisions import NO_DECISIONS, Decisions
from rag.indexing.dedup.boilerplate import comparable_text
from rag.indexing.dedup.contrast import number_sequence
from rag.indexing.dedup.minhash import band_keys, shingles
from rag.indexing.dedup.reference import identifier_keys, reference_key, title_blocks
from rag.schema import Paper


def blocking_keys(paper: Paper, decisions: Decisions = NO_DECISIONS) -> tuple[str, ...]:
    """Return the distinct keys, each under 30 characters, by which the duplicates of a paper are found.

    A set of papers of which no other paper has a key is folded as it would be among all others: two papers
    without a common key never influence each other. A paper also has the key of every text that it was joined
    with by hand.
    """
    partners = (f"text:{one}" for pair in decisions.joined if paper.paper_id in pair for one in sorted(pair))
    return tuple(dict.fromkeys((f"work:{paper.work}", *equal_keys(paper), *alike_keys(paper), *partners)))


def equal_keys(paper: Paper) -> tuple[str, ...]:
    """Return the keys of what makes two papers one if it is equal: text, identifiers and reference."""
    reference = reference_key(paper)
    return (
        f"text:{paper.paper_id}",
        *(_short(key) for key in identifier_keys(paper)),
        *((_short(f"reference:{reference}"),) if reference else ()),
    )


def alike_keys(paper: Paper) -> tuple[str, ...]:
    """Return the keys of papers to compare with: both ends of the title, and bands of the abstract."""
    text = comparable_text(paper.text)
    bands = band_keys(shingles(text, paper.language), (paper.language, *number_sequence(text)))
    return (*(_short(f"title:{block}") for block in title_blocks(paper)), *bands)


def _short(key: str) -> str:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
