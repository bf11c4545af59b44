"""Compute the mean vectors of each language that are shipped for a default embedding model.

    python -m training.language_means [--texts 300]

Writes rag/data/means-NAME.npz for the model that RAG_EMBEDDING_MODEL names. A small library's own means are
drawn towards these (`rag.embedding.alignment`). English texts come from arXiv of all fields (arxiv_50k),
Chinese ones from journals of all fields (csl_zh), and both from bilingual_arxiv/train; titles stand for
questions.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

import rag
from benchmarks.common import ABSTRACTS, QUERIES, parser, records, sample
from rag.embedding.alignment import Alignment, Kind
from rag.embedding.base import Vectors
from rag.embedding.embedder import LocalEmbedder
from rag.factory import configured_embedder
from rag.schema import LANGUAGES, Language
from rag.settings import load_settings

SEED = 20261127
SOURCES: dict[Language, str] = {"en": "arxiv_50k", "zh": "csl_zh/papers"}


def texts(language: Language, size: int) -> list[tuple[str, str]]:
    """Return `size` pairs of title and abstract, two thirds of them from journals of all fields."""
    parallel = sample("train", size // 3, SEED)
    pairs = [(row[QUERIES[language]], row[ABSTRACTS[language]]) for row in parallel]
    rows = random.Random(SEED).sample(list(records(SOURCES[language])), size - len(pairs))
    return pairs + [(row["title"], row["abstract"]) for row in rows]


def means(embedder: LocalEmbedder, size: int) -> Alignment:
    """Return the means of questions and passages in both languages."""
    found: dict[tuple[Language, Kind], Vectors] = {}
    for language in LANGUAGES:
        titles, abstracts = zip(*texts(language, size), strict=True)
        questions = np.concatenate([embedder.embed_query(title) for title in titles])
        found[language, "query"] = questions.mean(axis=0)
        found[language, "passage"] = embedder.embed_passages(abstracts).mean(axis=0)
        print(f"embedded {size} {language} papers", flush=True)
    return Alignment(found)


def main() -> None:
    """Compute and write."""
    command = parser(__doc__)
    command.add_argument("--texts", type=int, default=300, help="papers of each language")
    size = command.parse_args().texts
    embedder = configured_embedder(load_settings())
    path = Path(rag.__file__).parent / "data" / f"means-{embedder.name}.npz"
    means(embedder, size).save(path, half=True)
    print(f"{path.name}: digest {Alignment.load(path).digest}")


if __name__ == "__main__":
    main()
