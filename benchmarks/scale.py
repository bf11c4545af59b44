"""How indexing, changing and searching grow with the size of a library.

    python -m benchmarks.scale [--sizes 1000 10000 50000] [--stand-in] [--plot FILE.svg] [--json FILE]

Abstracts come from ../shared/data/arxiv_50k, queries are titles and headlines of bilingual_arxiv/train. For
each size: seconds and peak memory of `rag index` (a process of its own), bytes on disk, seconds of `rag sync`
when nothing has changed and when ten abstracts are new (until they can be found, and until the command is
done), of `rag search` from start to first result, and milliseconds of a search in a warm process, its
embedding included. Indexes and vectors are cached.
--stand-in stores random vectors instead of embeddings, which is enough for times and memory; queries are
always embedded. Run it alone on the machine.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import QUERIES, parser, records, sample
from rag.answering.retrieval import retrieve
from rag.embedding.alignment import normalise_rows
from rag.embedding.base import Embedder, Vectors
from rag.embedding.embedder import LocalEmbedder
from rag.factory import configured_embedder
from rag.library import index_paths, sync_path
from rag.models import defaults as models
from rag.settings import load_settings
from rag.store.index import open_store
from rag.store.manifest import Manifest
from rag.text.language import detect_language

ABSTRACTS = "arxiv_50k"
PER_FILE = 5000
SEED = 11
QUERIES_ASKED = 300
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

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, shape (1, d)."""
        return self.real.embed_query(text)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""
        rng = np.random.default_rng(zlib.crc32(texts[0].encode()))
        return normalise_rows(self.mean + 0.02 * rng.standard_normal((len(texts), len(self.mean))))


def embedder_for(stand_in: bool) -> Embedder:
    """Return the configured embedder, or a stand-in for it."""
    real = configured_embedder(load_settings())
    if not stand_in:
        return real
    return StandIn(real, real.embed_passages(["A passage.", "We study models.", "一个段落。"]).mean(axis=0))


def write_abstracts(folder: Path, size: int) -> None:
    """Write the first `size` abstracts, in files of `PER_FILE`, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "new.jsonl").unlink(missing_ok=True)
    rows = records(ABSTRACTS)
    for number in range(-(-size // PER_FILE)):
        file = folder / f"{number:04}.jsonl"
        part = list(islice(rows, min(PER_FILE, size - number * PER_FILE)))
        if not file.exists():
            lines = [json.dumps({name: row[name] for name in ("title", "abstract")}) for row in part]
            file.write_text("\n".join(lines), encoding="utf-8")


def build(home: Path, stand_in: bool) -> dict[str, Any]:
    """Index `home`/files; return seconds by stage and peak memory in GB."""
    stages: dict[str, list[float]] = {}

    def progress(stage: str, done: int, total: int) -> None:
        now = time.perf_counter()
        stages.setdefault(stage, [now, now])[1] = now

    started = time.perf_counter()
    index_paths([home / "files"], home / "index", embedder=embedder_for(stand_in), progress=progress)
    return {
        "index_s": round(time.perf_counter() - started, 1),
        **{f"{stage.lower()}_s": round(end - begin, 1) for stage, (begin, end) in stages.items()},
        "index_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def change(home: Path, stand_in: bool) -> dict[str, Any]:
    """Return the seconds of a sync without a change, of ten new abstracts, and of their removal."""
    embedder = embedder_for(stand_in)
    new = "\n".join(
        json.dumps({"abstract": f"We follow {n + 2} lemurs in plot {n} and report how their naps change."})
        for n in range(10)
    )
    found: dict[str, Any] = {}
    for name in ("sync_unchanged_s", "add_10_s", "remove_10_s"):
        if name == "add_10_s":
            (home / "files" / "new.jsonl").write_text(new, encoding="utf-8")
        elif name == "remove_10_s":
            (home / "files" / "new.jsonl").unlink()
        began, started = time.time(), time.perf_counter()
        sync_path(home / "files", home / "index", embedder=embedder)
        found[name] = round(time.perf_counter() - started, 2)
        if name == "add_10_s":  # the manifest is replaced when the change can be found
            found["add_10_found_s"] = round(Manifest.stamp(home / "index") / 1e9 - began, 2)
    return found


def search(home: Path, stand_in: bool) -> dict[str, Any]:
    """Return the milliseconds of a warm search for 10 abstracts, and the size of the index on disk."""
    embedder = embedder_for(stand_in)
    store = open_store(home / "index")
    rows = sample("train", QUERIES_ASKED // len(QUERIES), SEED)
    queries = [row[key] for row in rows for key in QUERIES.values()]
    took = []
    for query in [*queries[:WARM], *queries]:
        started = time.perf_counter()
        retrieve(store, embedder, query, detect_language(query), 10)
        took.append(1000 * (time.perf_counter() - started))
    store.close()
    generation = home / "index" / store.manifest.generation
    disk = sum(file.stat().st_size for file in generation.rglob("*") if file.is_file())
    return {
        "searches": len(queries),
        **{f"p{share}_ms": round(float(np.percentile(took[WARM:], share)), 1) for share in (50, 95)},
        "disk_mb": round(disk / 1e6),
    }


STEPS = {"build": build, "change": change, "search": search}


def measure(size: int, stand_in: bool) -> dict[str, Any]:
    """Return all figures of one size; each step runs in a process of its own."""
    kind = "stand-in" if stand_in else configured_embedder(load_settings()).digest
    home = models.cache_dir() / "benchmarks" / f"library-{size}-{kind}"
    write_abstracts(home / "files", size)
    kept = home / "build.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in STEPS:
        if name != "build" or not found:
            arguments = ["--step", name, "--home", str(home), *(["--stand-in"] if stand_in else [])]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.scale", *arguments], check=True, stdout=subprocess.PIPE
            )
            found |= json.loads(done.stdout)
        if name == "build":
            kept.write_text(json.dumps(found))
    started = time.perf_counter()
    command = ["-m", "rag", "search", "lithium batteries", "--index", str(home / "index")]
    if not stand_in:
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        found["first_search_s"] = round(time.perf_counter() - started, 2)
    manifest = Manifest.read(home / "index")
    return {"abstracts": manifest.works, "chunks": manifest.chunks, **found}


def plot(rows: Sequence[dict[str, Any]], file: Path) -> None:
    """Draw each figure over the number of abstracts."""
    from matplotlib.figure import Figure

    shown = ("index_s", "index_rss_gb", "add_10_found_s", "sync_unchanged_s", "p95_ms", "disk_mb")
    figure = Figure(figsize=(10, 5), layout="constrained")
    for axes, name in zip(figure.subplots(2, 3).flat, shown, strict=True):
        axes.plot([row["abstracts"] for row in rows], [row[name] for row in rows], marker="o")
        axes.set(title=name, xlabel="abstracts", ylim=(0, None))
    figure.savefig(file)


def main() -> None:
    """Measure every size, and print a table."""
    command = parser(__doc__)
    command.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 50_000])
    command.add_argument("--stand-in", action="store_true")
    command.add_argument("--plot", type=Path, metavar="FILE")
    command.add_argument("--json", type=Path, metavar="FILE")
    command.add_argument("--step", choices=STEPS, help="run one step in the folder --home, for this script")
    command.add_argument("--home", type=Path)
    options = command.parse_args()
    if options.step:
        print(json.dumps(STEPS[options.step](options.home, options.stand_in)))
        return
    rows = [measure(size, options.stand_in) for size in options.sizes]
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        print(f"| {name} | " + " | ".join(str(row.get(name, "")) for row in rows) + " |")
    if options.plot:
        plot(rows, options.plot)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
