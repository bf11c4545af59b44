"""Index many abstracts and time searches, including the embedding of the query.

    python -m benchmarks.scale [--abstracts 50000] [--queries 300] [--stand-in] [--json FILE]

Abstracts come from ../shared/data/arxiv_50k, queries are titles and headlines of bilingual_arxiv/train. The
index and the vectors of a stopped run are cached. --stand-in stores random vectors instead of embeddings,
which is enough to time searches; queries are always embedded. Run it alone on the machine.
"""

from __future__ import annotations

import json
import resource
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import QUERIES, parser, records, sample
from rag.answering.retrieval import retrieve
from rag.cli.output import progress_bars
from rag.embedding.alignment import normalise_rows
from rag.embedding.base import Vectors
from rag.embedding.embedder import LocalEmbedder
from rag.factory import configured_embedder
from rag.indexing.build import index_papers
from rag.models import defaults as models
from rag.schema import Paper, Source
from rag.settings import load_settings
from rag.store.index import open_store
from rag.store.manifest import Manifest
from rag.text.cleaning import clean_text, paper_id
from rag.text.language import detect_language

ABSTRACTS = "arxiv_50k"
SEED = 11
WARM = 20


@dataclass(frozen=True)
class StandIn:
    """An embedder that returns random directions around the mean of real passages."""

    real: LocalEmbedder
    mean: Vectors

    @property
    def name(self) -> str:
        """Name of the real model."""
        return self.real.name

    @property
    def digest(self) -> str:
        """A different digest, so that its vectors are never mistaken for real ones."""
        return f"stand-in-{self.real.digest}"

    @property
    def max_tokens(self) -> int:
        """Longest passage, in tokens."""
        return self.real.max_tokens

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the model sees for `text`."""
        return self.real.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""
        rng = np.random.default_rng(zlib.crc32(texts[0].encode()))
        return normalise_rows(self.mean + 0.02 * rng.standard_normal((len(texts), len(self.mean))))


def papers(count: int) -> list[Paper]:
    """Return the first `count` abstracts."""
    found = []
    for number, record in zip(range(1, count + 1), records(ABSTRACTS), strict=False):
        text, title = clean_text(record["abstract"]), clean_text(record["title"])
        source = Source(f"{ABSTRACTS}.jsonl.gz", number)
        found.append(Paper(paper_id(text), text, detect_language(text), (source,), title))
    return found


def build(directory: Path, count: int, embedder: LocalEmbedder, stand_in: bool) -> float | None:
    """Build the index; return the seconds it took, None if it exists."""
    if (directory / "manifest.json").exists():
        return None
    mean = embedder.embed_passages(["A passage.", "We study models.", "一个段落。"]).mean(axis=0)
    loaded = StandIn(embedder, mean) if stand_in else embedder
    started = time.perf_counter()
    with progress_bars() as progress:
        index_papers(papers(count), (), (ABSTRACTS,), directory, lambda: loaded, progress=progress)
    return time.perf_counter() - started


def search_ms(directory: Path, embedder: LocalEmbedder, queries: Sequence[str]) -> list[float]:
    """Return the milliseconds of each search for 10 abstracts, after a warm-up."""
    store = open_store(directory)
    took = []
    for query in [*queries[:WARM], *queries]:
        started = time.perf_counter()
        retrieve(store, embedder, query, detect_language(query), 10)
        took.append(1000 * (time.perf_counter() - started))
    store.close()
    return took[WARM:]


def main() -> None:
    """Build, search, print."""
    command = parser(__doc__)
    command.add_argument("--abstracts", type=int, default=50_000)
    command.add_argument("--queries", type=int, default=300)
    command.add_argument("--stand-in", action="store_true")
    command.add_argument("--json", type=Path, metavar="FILE")
    options = command.parse_args()
    embedder = configured_embedder(load_settings())
    kind = "stand-in" if options.stand_in else embedder.digest
    directory = models.cache_dir() / "benchmarks" / f"scale-{options.abstracts}-{kind}"
    seconds = build(directory, options.abstracts, embedder, options.stand_in)
    rows = sample("train", options.queries, SEED)
    took = search_ms(directory, embedder, [row[key] for row in rows for key in QUERIES.values()])
    manifest = Manifest.read(directory)
    figures = {
        "abstracts": manifest.works,
        "chunks": manifest.chunks,
        "index_s": seconds,
        "searches": len(took),
        **{f"p{share}_ms": round(float(np.percentile(took, share)), 1) for share in (50, 95, 100)},
        "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }
    print("  ".join(f"{name} {value}" for name, value in figures.items()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
