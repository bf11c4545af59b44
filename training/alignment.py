"""Fit the language alignment of an embedding model on parallel papers, and report recall@1 and @10.

    python -m training.alignment [--dry-run] [--output FILE]

The model is the one that RAG_EMBEDDING_MODEL names. The script fits on 5,000 papers of bilingual_arxiv/train
and reports on the 1,000 others (dense retriever only). Then it fits on all papers and writes the alignment
where the next `rag index` finds it: rag/data/alignment-NAME.npz for a default model, else the cache.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.common import (
    FIT_PAPERS,
    HELD_OUT,
    ParallelVectors,
    cells,
    dense_ranks,
    parallel_vectors,
    parser,
    stored_language,
)
from rag.embedding.alignment import Alignment, alignment_path, fit_alignment, save_alignment
from rag.factory import configured_embedder
from rag.schema import LANGUAGES
from rag.settings import load_settings

# Questions per language that are shipped to measure hubness; see `rag.embedding.alignment.HUB_NEIGHBOURS`.
BACKGROUND = 500


def main() -> None:
    """Report on held-out papers, then fit on all and write."""
    command = parser(__doc__)
    command.add_argument("--dry-run", action="store_true", help="write nothing")
    command.add_argument("--papers", type=int, default=FIT_PAPERS)
    command.add_argument("--output", type=Path, metavar="FILE", help="write there instead")
    options = command.parse_args()
    if options.papers <= HELD_OUT:
        command.error(f"--papers must be more than the {HELD_OUT:,} held out")
    embedder = configured_embedder(load_settings(), fetch=True)
    vectors = parallel_vectors(embedder, options.papers)
    evaluate(vectors)
    if options.dry_run:
        return
    path = options.output or alignment_path(embedder.name, embedder.digest)
    save_alignment(fit_alignment(vectors, BACKGROUND), path)
    print(f"{path}: fitted on {options.papers} papers, digest {Alignment.load(path).digest}")


def evaluate(vectors: ParallelVectors) -> None:
    """Print recall@1 and @10 on held-out papers: raw, with means, with the map, with hubness."""
    fitted = fit_alignment({key: rows[:-HELD_OUT] for key, rows in vectors.items()}, BACKGROUND)
    held = {key: rows[-HELD_OUT:] for key, rows in vectors.items()}
    queries = {language: held[language, "query"] for language in LANGUAGES}
    owners = range(len(held["en", "query"]))
    passages = np.stack([held[stored_language(row), "passage"][row] for row in owners])
    for name, alignment in (
        ("raw", Alignment()),
        ("means", Alignment(fitted.means)),
        ("means + map", Alignment(fitted.means, fitted.rotations)),
        ("and hubs", fitted),
    ):
        ranks = dense_ranks(alignment, queries, passages, owners)
        for k in (1, 10):
            print(f"{name:<12} R@{k:<3} {cells(ranks, k)}", flush=True)


if __name__ == "__main__":
    main()
