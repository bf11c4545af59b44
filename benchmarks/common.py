"""Parser, shared data and parallel papers, for benchmarks/ and training/."""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedding.alignment import Alignment
from rag.embedding.base import Vectors
from rag.evaluation.metrics import wilson_interval
from rag.schema import LANGUAGES, Language

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
ABSTRACTS: dict[Language, str] = {"en": "abstract_en", "zh": "abstract_zh"}
QUERIES: dict[Language, str] = {"en": "title", "zh": "headline_zh"}
# The first PAPERS of bilingual_arxiv/train in the order of SEED.
SEED = 0
PAPERS = 1000


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser whose help is the docstring of a script."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def records(name: str, data: Path = DATA) -> Iterator[dict[str, Any]]:
    """Yield the records of a .jsonl.gz file of the shared data, such as "scifact/corpus"."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def sample(split: str, size: int, seed: int) -> list[dict[str, Any]]:
    """Return `size` papers of a split of bilingual_arxiv, in random order."""
    return random.Random(seed).sample(list(records(f"bilingual_arxiv/{split}")), size)


def stored_language(row: int) -> Language:
    """Return the only language in which paper `row` is stored; languages alternate."""
    return LANGUAGES[row % 2]


def cells(ranks: Mapping[Language, Sequence[int]], k: int) -> str:
    """Return recall@k with its interval for each question and abstract language."""
    shown = []
    for asked in LANGUAGES:
        for stored in LANGUAGES:
            own = [rank for row, rank in enumerate(ranks[asked]) if stored_language(row) == stored]
            hits = sum(rank <= k for rank in own)
            low, high = wilson_interval(hits, len(own)) or (0.0, 1.0)
            shown.append(f"{asked}->{stored} {hits / len(own):.3f} [{low:.3f}, {high:.3f}]")
    return "  ".join(shown)


def dense_ranks(
    alignment: Alignment, queries: Mapping[Language, Vectors], raw: Vectors, owners: Sequence[int]
) -> dict[Language, list[int]]:
    """Return each query's 1-based rank of its own paper; the nearest passage of a paper counts.

    `raw` (m, d) are unaligned passages, `owners[i]` is the paper of passage i. Query i belongs to paper i.
    """
    passages = alignment.apply_each(raw, [stored_language(owner) for owner in owners], "passage")
    ranks: dict[Language, list[int]] = {}
    for language, rows in queries.items():
        similarity = alignment.apply(rows, language, "query") @ passages.T
        papers = np.full((len(rows), len(rows)), -1.0, dtype=np.float32)
        np.maximum.at(papers, (slice(None), np.asarray(owners)), similarity)
        own = np.diag(papers)[:, None]
        ranks[language] = (1 + (papers > own).sum(axis=1)).tolist()
    return ranks
