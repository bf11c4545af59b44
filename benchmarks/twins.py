"""Measure how well an abstract and its translation are found among other papers.

    python -m benchmarks.twins [--split dev] [--model NAME] [--titles] [--distractors] [--json FILE]

Data: `bilingual_arxiv`, whose Chinese abstracts were made by machine from the English ones. Of the papers in
random order the first 600 are given in both languages. The others, at most 800 in each language, are there in
one language only: they are of the same field and have no twin. `--distractors` adds 1,500 abstracts of
`csl_zh` and 1,500 of `arxiv_50k` in computer science. The weights were fitted on `--split train`; report from
`dev`.

- precision: pairs found that are an abstract and its own translation, among all that are found
- recall: the same, among the 600

Vectors are kept under RAG_CACHE/benchmarks, so that a second run takes seconds.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import parser, records
from rag.embedding.alignment import normalise_rows, shipped_alignment
from rag.embedding.base import Embedder, Vectors, passage, passage_key
from rag.evaluation.metrics import wilson_interval
from rag.factory import configured_embedder
from rag.indexing.build import CHUNK_TOKENS
from rag.indexing.chunking import chunk_paper
from rag.indexing.dedup.twins import find_twins
from rag.indexing.embed_chunks import UnfinishedVectors, embed_passages
from rag.models.defaults import cache_dir
from rag.schema import LANGUAGES, Language, Paper, Source
from rag.settings import load_settings
from rag.text.cleaning import clean_text, paper_id

TWINS = 600
SINGLE = 800  # papers in each language without the other, at most
OTHERS = 1500  # of csl_zh, and of arxiv_50k
SEED = 7
TITLES: dict[Language, str] = {"en": "title", "zh": "headline_zh"}


def library(split: str, *, titles: bool, distractors: bool) -> Iterator[Paper]:
    """Yield the papers; the twins of one arXiv paper have its id as the name of their file."""
    draw = random.Random(SEED)
    found = list(records(f"bilingual_arxiv/{split}"))
    draw.shuffle(found)
    alone = min(SINGLE, (len(found) - TWINS) // 2)
    parts: list[tuple[list[dict[str, Any]], tuple[Language, ...]]] = [
        (found[:TWINS], LANGUAGES),
        (found[TWINS:][:alone], ("zh",)),
        (found[TWINS + alone :][:alone], ("en",)),
    ]
    for part, languages in parts:
        for record in part:
            for language in languages:
                title = record[TITLES[language]] if titles else None
                yield _paper(record[f"abstract_{language}"], language, record["arxiv_id"], title)
    if distractors:
        for record in list(records("csl_zh/papers"))[:OTHERS]:
            yield _paper(record["abstract"], "zh", record["id"], record["title"] if titles else None)
        others = list(records("arxiv_50k"))
        random.Random(SEED).shuffle(others)
        for record in [r for r in others if r["primary_cat"].startswith("cs.")][:OTHERS]:
            yield _paper(record["abstract"], "en", record["arxiv_id"], record["title"] if titles else None)


def _paper(text: str, language: Language, name: str, title: str | None) -> Paper:
    text = clean_text(text)
    return Paper(paper_id(text), text, language, (Source(name, 1),), clean_text(title) if title else None)


def aligned(papers: Sequence[Paper], embedder: Embedder) -> Vectors:
    """Return one aligned vector a paper, the mean of its chunks (n, d)."""
    limit, count = min(CHUNK_TOKENS, embedder.max_tokens), embedder.count_tokens
    chunks = [
        (row, paper, chunk)
        for row, paper in enumerate(papers)
        for chunk in chunk_paper(paper, max_tokens=limit, count_tokens=count)
    ]
    texts = [passage(paper, chunk) for _, paper, chunk in chunks]
    keys = [passage_key(embedder.digest, text) for text in texts]
    folder = cache_dir() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "twins.sqlite")) as db:
        known = embed_passages(dict(zip(keys, texts, strict=True)), embedder, UnfinishedVectors(db))
    vectors = np.stack([known[key] for key in keys])
    languages = [paper.language for _, paper, _ in chunks]
    own = {one: vectors[[language == one for language in languages]] for one in sorted(set(languages))}
    alignment = shipped_alignment(embedder.name).for_corpus(own)
    sums = np.zeros((len(papers), vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, [row for row, _, _ in chunks], alignment.apply_each(vectors, languages, "passage"))
    return normalise_rows(sums)


def measure(papers: Sequence[Paper], vectors: Vectors, model: str) -> dict[str, Any]:
    """Return precision and recall of the pairs found, with intervals, and seconds."""
    started = time.perf_counter()
    found = find_twins(papers, vectors, model=model)
    seconds = time.perf_counter() - started
    works: dict[str, list[Paper]] = defaultdict(list)
    for paper in papers:
        if paper.paper_id in found:
            works[found[paper.paper_id]].append(paper)
    right = sum(len({paper.sources for paper in work}) == 1 for work in works.values())
    return {
        "papers": len(papers),
        "found": len(works),
        "precision": right / max(1, len(works)),
        "precision_95": wilson_interval(right, len(works)),
        "recall": right / TWINS,
        "recall_95": wilson_interval(right, TWINS),
        "seconds": seconds,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Print one row of a table, and write the JSON."""
    command = parser(__doc__)
    command.add_argument("--split", choices=("dev", "train"), default="dev")
    command.add_argument("--model", help="the embedding model (default: the one in the settings)")
    command.add_argument("--titles", action="store_true", help="with titles, and headlines in Chinese")
    command.add_argument("--distractors", action="store_true", help="among 3,000 other abstracts")
    command.add_argument("--json", type=Path, metavar="FILE")
    options = command.parse_args(argv)
    settings = load_settings(**({"embedding_model": options.model} if options.model else {}))
    embedder = configured_embedder(settings)
    papers = list(
        {
            p.paper_id: p
            for p in library(options.split, titles=options.titles, distractors=options.distractors)
        }.values()
    )
    result = measure(papers, aligned(papers, embedder), embedder.name)
    shown = {name: result[name] for name in ("papers", "found")}
    for name in ("precision", "recall"):
        low, high = result[f"{name}_95"] or (0.0, 1.0)
        shown[name] = f"{result[name]:.4f} [{low:.3f}, {high:.3f}]"
    print(f"{embedder.name}, {options.split}: {shown}, {result['seconds']:.1f} s")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
