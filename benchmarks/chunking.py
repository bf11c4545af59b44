"""Retrieval by chunk size: which size finds the right abstract best, in all four language cells.

    python -m benchmarks.chunking [--papers 600]

Papers of ../shared/data/bilingual_arxiv/train (fixed seed, not those the alignment was fitted on by more than
chance), each stored in one language; a paper ranks by its nearest chunk; dense arm alone.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.parallel import ABSTRACTS, LANGUAGES, QUERIES, cells, dense_ranks, sample, stored_language
from rag.embedding.alignment import fitted_alignment
from rag.factory import configured_embedder
from rag.indexing.chunking import chunk_paper
from rag.schema import Paper, Source
from rag.settings import load_settings

SEED = 7
SIZES = (64, 128, 256, 400)


def main() -> None:
    """Print one row a chunk size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--papers", type=int, default=600)
    rows = sample("train", parser.parse_args().papers, SEED)
    embedder = configured_embedder(load_settings())
    queries = {
        language: np.concatenate([embedder.embed_query(row[QUERIES[language]]) for row in rows])
        for language in LANGUAGES
    }
    alignment = fitted_alignment(embedder.name, embedder.digest).alignment
    for size in SIZES:
        owners: list[int] = []
        texts: list[str] = []
        for number, row in enumerate(rows):
            language = stored_language(number)
            text = row[ABSTRACTS[language]]
            paper = Paper(str(number), text, language, (Source("train", number + 1),))
            for chunk in chunk_paper(paper, max_tokens=size, count_tokens=embedder.count_tokens):
                owners.append(number)
                texts.append(chunk.text)
        raw = embedder.embed_passages(texts)
        passages = np.stack(
            [
                alignment.apply(raw[i : i + 1], stored_language(owner), "passage")[0]
                for i, owner in enumerate(owners)
            ]
        )
        ranks = dense_ranks(alignment, queries, passages, owners)
        for k in (1, 3):
            print(f"{size:>4} tokens, {len(texts):>5} chunks  R@{k}  {cells(ranks, k)}", flush=True)


if __name__ == "__main__":
    main()
