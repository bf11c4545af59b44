"""Index many abstracts and time searches among them, the embedding of the query included.

    python -m benchmarks.scale [--abstracts 50000] [--queries 300] [--stand-in] [--json FILE]

Abstracts are those of ../shared/data/arxiv_50k, queries are titles and headlines of bilingual_arxiv/train. The index is
kept in the cache, and so are the vectors of a run that was stopped: embedding 50,000 abstracts takes half an hour on
2 cores. --stand-in stores a random vector for each abstract instead, which is enough to time a search by; queries are
embedded for real either way. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.parallel import DATA, QUERIES, sample
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

ABSTRACTS = DATA.parent / "arxiv_50k.jsonl.gz"
SEED = 11
WARM = 20


@dataclass(frozen=True)
class StandIn:
    """An embedder whose passages are random directions around the mean of real ones."""

    real: LocalEmbedder
    mean: Vectors

    @property
    def name(self) -> str:
        """Name of the model it stands in for."""
        return self.real.name

    @property
    def digest(self) -> str:
        """A digest of its own, so that its vectors are never taken for real ones."""
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
    with gzip.open(ABSTRACTS, "rt", encoding="utf-8") as lines:
        for number, line in zip(range(1, count + 1), lines, strict=False):
            record = json.loads(line)
            text = clean_text(record["abstract"])
            source = Source(ABSTRACTS.name, number)
            found.append(
                Paper(paper_id(text), text, detect_language(text), (source,), clean_text(record["title"]))
            )
    return found


def build(directory: Path, count: int, embedder: LocalEmbedder, stand_in: bool) -> float | None:
    """Build the index unless it is there; return the seconds it took."""
    if (directory / "manifest.json").exists():
        return None
    mean = embedder.embed_passages(["A passage.", "We study models.", "一个段落。"]).mean(axis=0)
    loaded = StandIn(embedder, mean) if stand_in else embedder
    started = time.perf_counter()
    with progress_bars() as progress:
        index_papers(papers(count), (), (str(ABSTRACTS),), directory, lambda: loaded, progress=progress)
    return time.perf_counter() - started


def search_ms(directory: Path, embedder: LocalEmbedder, queries: Sequence[str]) -> list[float]:
    """Return the milliseconds of each search for 10 abstracts, warm."""
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--abstracts", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    embedder = configured_embedder(load_settings())
    kind = "stand-in" if arguments.stand_in else embedder.digest
    directory = models.cache_dir() / "benchmarks" / f"scale-{arguments.abstracts}-{kind}"
    seconds = build(directory, arguments.abstracts, embedder, arguments.stand_in)
    rows = sample("train", arguments.queries, SEED)
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
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
