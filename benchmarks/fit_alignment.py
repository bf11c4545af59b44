"""Fit the language alignment of an embedding model on parallel papers, and say what it brings.

    python -m benchmarks.fit_alignment [--dry-run] [--output FILE]

First fits on 5,000 papers and reports on the 1,000 others, then fits on all and writes, for the model that
RAG_EMBEDDING_MODEL names, where the next `rag index` finds it: a default model's into the package
(rag/data/alignment-NAME.npz), any other's into the cache, by the digest of model and prompts.

Papers are those of ../shared/data/bilingual_arxiv/train in an order of a fixed seed. A question is a title (English)
or a headline (Chinese). The figures are those of the dense arm alone. Raw vectors are kept in the cache, by the
digest of the model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.parallel import ABSTRACTS, LANGUAGES, QUERIES, cells, dense_ranks, sample, stored_language
from rag.embedding.alignment import Alignment, Kind, alignment_path, fit_alignment, save_alignment
from rag.embedding.base import Vectors
from rag.embedding.embedder import LocalEmbedder
from rag.factory import configured_embedder
from rag.models import defaults as models
from rag.schema import Language
from rag.settings import load_settings

SEED = 0
FIT_PAPERS = 6000
HELD_OUT = 1000
# Questions a language that are shipped to tell hubs by; see `rag.embedding.alignment.HUB_NEIGHBOURS`.
BACKGROUND = 500


def main() -> None:
    """Report on held-out papers, then fit on all and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("--papers", type=int, default=FIT_PAPERS)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead")
    arguments = parser.parse_args()
    if arguments.papers <= HELD_OUT:
        parser.error(f"--papers must be more than the {HELD_OUT:,} held out")
    embedder = configured_embedder(load_settings(), fetch=True)
    vectors = kept(embedder, arguments.papers)
    evaluate(vectors)
    if arguments.dry_run:
        return
    alignment = fit_alignment(vectors, BACKGROUND)
    path = arguments.output or alignment_path(embedder.name, embedder.digest)
    save_alignment(alignment, path)
    print(f"{path}: fitted on {arguments.papers} papers, digest {Alignment.load(path).digest}")


def kept(embedder: LocalEmbedder, papers: int) -> dict[tuple[Language, Kind], Vectors]:
    """Return the vectors of `embed`, from the cache when they are there."""
    path = models.cache_dir() / "benchmarks" / f"parallel-{embedder.digest}-{papers}.npz"
    kinds: tuple[Kind, ...] = ("query", "passage")
    keys = [(language, kind) for language in LANGUAGES for kind in kinds]
    if path.exists():
        with np.load(path) as data:
            return {(language, kind): data[f"{language}-{kind}"] for language, kind in keys}
    vectors = embed(embedder, papers)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, **{f"{la}-{kind}": vectors[la, kind] for la, kind in keys})
    return vectors


def embed(embedder: LocalEmbedder, papers: int) -> dict[tuple[Language, Kind], Vectors]:
    """Return raw vectors of abstracts and questions in both languages."""
    rows = sample("train", papers, SEED)
    vectors: dict[tuple[Language, Kind], Vectors] = {}
    for language in LANGUAGES:
        vectors[language, "passage"] = embedder.embed_passages([row[ABSTRACTS[language]] for row in rows])
        queries = [embedder.embed_query(row[QUERIES[language]]) for row in rows]
        vectors[language, "query"] = np.concatenate(queries)
        print(f"embedded {papers} {language} papers", flush=True)
    return vectors


def evaluate(vectors: dict[tuple[Language, Kind], Vectors]) -> None:
    """Print recall@1 and @10 on held-out papers: nothing done, means, and map, and hubs."""
    fitted = fit_alignment({key: rows[:-HELD_OUT] for key, rows in vectors.items()}, BACKGROUND)
    held = {key: rows[-HELD_OUT:] for key, rows in vectors.items()}
    size = len(held["en", "query"])
    queries = {language: held[language, "query"] for language in LANGUAGES}
    for name, alignment in (
        ("raw", Alignment()),
        ("means", Alignment(fitted.means)),
        ("means + map", Alignment(fitted.means, fitted.rotations)),
        ("and hubs", fitted),
    ):
        passages = np.stack(
            [
                alignment.apply(
                    held[stored_language(row), "passage"][row : row + 1], stored_language(row), "passage"
                )[0]
                for row in range(size)
            ]
        )
        ranks = dense_ranks(alignment, queries, passages, list(range(size)))
        for k in (1, 10):
            print(f"{name:<12} R@{k:<3} {cells(ranks, k)}", flush=True)


if __name__ == "__main__":
    main()
