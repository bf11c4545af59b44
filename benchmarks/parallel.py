"""Parallel papers of ../shared/data/bilingual_arxiv: abstract, title and headline, one row a paper."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

from rag.answering.retrieval import HUB_WEIGHT
from rag.embedding.alignment import Alignment
from rag.embedding.base import Vectors
from rag.evaluation.metrics import wilson_interval
from rag.schema import Language

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "bilingual_arxiv"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
ABSTRACTS: dict[Language, str] = {"en": "abstract_en", "zh": "abstract_zh"}
QUERIES: dict[Language, str] = {"en": "title", "zh": "headline_zh"}


def sample(split: str, size: int, seed: int) -> list[dict[str, Any]]:
    """Return `size` papers of a split, drawn with `seed`, in random order."""
    with gzip.open(DATA / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
        papers: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return random.Random(seed).sample(papers, size)


def stored_language(row: int) -> Language:
    """Return the one language paper `row` is stored in: they alternate."""
    return LANGUAGES[row % 2]


def cells(ranks: dict[Language, list[int]], k: int) -> str:
    """Return recall@k with its interval for each question language x abstract language."""
    shown = []
    for asked in LANGUAGES:
        for stored in LANGUAGES:
            own = [rank for row, rank in enumerate(ranks[asked]) if stored_language(row) == stored]
            hits = sum(rank <= k for rank in own)
            interval = wilson_interval(hits, len(own))
            low, high = interval if interval else (0.0, 1.0)
            shown.append(f"{asked}->{stored} {hits / len(own):.3f} [{low:.3f}, {high:.3f}]")
    return "  ".join(shown)


def dense_ranks(
    alignment: Alignment, queries: dict[Language, Vectors], passages: Vectors, owners: list[int]
) -> dict[Language, list[int]]:
    """Return each query's 1-based rank of its own paper, a paper being as near as its nearest passage.

    `passages` (m, d) are aligned, `owners[i]` is the paper of passage i, and query row i belongs to paper i.
    """
    import numpy as np

    hubness = alignment.hubness(passages)
    ranks: dict[Language, list[int]] = {}
    for language, rows in queries.items():
        similarity = alignment.apply(rows, language, "query") @ passages.T - HUB_WEIGHT * hubness
        papers = np.full((len(rows), len(rows)), -1.0, dtype=np.float32)
        np.maximum.at(papers, (slice(None), np.asarray(owners)), similarity)
        own = np.diag(papers)[:, None]
        ranks[language] = (1 + (papers > own).sum(axis=1)).tolist()
    return ranks
