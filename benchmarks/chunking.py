"""Measure recall of dense retrieval by chunk size, for each question and abstract language.

    python -m benchmarks.chunking [--papers 600]

Papers of ../shared/data/bilingual_arxiv/train are each stored in one language. Some of them may be among
those that the alignment was fitted on. A paper ranks by its nearest chunk.
"""

from __future__ import annotations

import numpy as np

from benchmarks.common import ABSTRACTS, QUERIES, cells, dense_ranks, parser, sample, stored_language
from rag.embedding.alignment import shipped_alignment
from rag.factory import configured_embedder
from rag.indexing.chunking import chunk_paper
from rag.schema import LANGUAGES, Paper, Source
from rag.settings import load_settings

SEED = 7
SIZES = (64, 128, 256, 400)


def main() -> None:
    """Print recall@1 and @3 for each chunk size."""
    command = parser(__doc__)
    command.add_argument("--papers", type=int, default=600)
    rows = sample("train", command.parse_args().papers, SEED)
    embedder = configured_embedder(load_settings())
    queries = {
        language: np.concatenate([embedder.embed_query(row[QUERIES[language]]) for row in rows])
        for language in LANGUAGES
    }
    alignment = shipped_alignment(embedder.name)
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
        ranks = dense_ranks(alignment, queries, embedder.embed_passages(texts), owners)
        for k in (1, 3):
            print(f"{size:>4} tokens, {len(texts):>5} chunks  R@{k}  {cells(ranks, k)}", flush=True)


if __name__ == "__main__":
    main()
