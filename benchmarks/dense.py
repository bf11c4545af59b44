"""The dense arm alone over a great many vectors: Chroma as an index configures it.

    python -m benchmarks.dense [--sizes 100000 200000 500000 1000000] [--home DIR] [--json FILE]

Vectors are generated: 384 values, whose variances fall with their rank roughly as those of real texts do.
They are added without texts or catalogue. At each size it measures the seconds since the size before, and
the milliseconds of a search for 50 in the process that writes. At the end a fresh process tells bytes on
disk, its memory, the seconds until the first result, and the milliseconds of a search. A million takes more
than an hour; a run that was broken off goes on.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import parser
from rag.embedding.alignment import normalise_rows
from rag.embedding.base import Vectors
from rag.models import defaults as models
from rag.store.vectors import VectorIndex, open_vectors

NAME = "citefold-dense"
DIMENSIONS = 384
SPREAD = np.arange(1, DIMENSIONS + 1) ** -0.5  # standard deviation of each value
BATCH = 1000
SEARCHES = 300
WARM = 20
K = 50


def generated(seed: int, count: int) -> Vectors:
    """Return random directions, shape (count, d)."""
    rng = np.random.default_rng(seed)
    return normalise_rows((rng.standard_normal((count, DIMENSIONS)) * SPREAD).astype(np.float32))


def fill(vectors: VectorIndex, first: int, last: int) -> None:
    """Add the vectors from number `first` to `last`, which are multiples of `BATCH`."""
    for start in range(first, last, BATCH):
        ids = [f"{number:016x}" for number in range(start, start + BATCH)]
        rows = generated(start, BATCH)
        vectors.collections["en"].add(
            ids=ids, embeddings=rows, metadatas=[{"sources": ["a.jsonl"]} for _ in ids]
        )


def searched(vectors: VectorIndex) -> dict[str, float]:
    """Return the p50 and p95 of a warm search in milliseconds."""
    took = []
    for row in generated(2**31, WARM + SEARCHES):
        started = time.perf_counter()
        vectors.search(row[None], K, "en")
        took.append(1000 * (time.perf_counter() - started))
    return {f"p{share}_ms": round(float(np.percentile(took[WARM:], share)), 1) for share in (50, 95)}


def build(home: Path, sizes: list[int]) -> list[dict[str, Any]]:
    """Write the vectors that are missing; return the figures at each size that is reached."""
    found: list[dict[str, Any]] = []
    create = None if home.exists() else {"en": sizes[-1]}
    with closing(open_vectors(home, NAME, url=None, create=create)) as vectors:
        there = vectors.collections["en"].count()
        for last in (size for size in sizes if size > there):
            started = time.perf_counter()
            fill(vectors, there, last)
            seconds = round(time.perf_counter() - started, 1)
            found.append({"vectors": last, "since": there, "add_s": seconds})
            there = last
            found[-1] |= searched(vectors) | {"rss_gb": memory()}
            print(found[-1], file=sys.stderr, flush=True)
    return found


def read(home: Path) -> dict[str, Any]:
    """Open the vectors as a reader does; return its figures."""
    started = time.perf_counter()
    with closing(open_vectors(home, NAME, url=None)) as vectors:
        vectors.search(generated(1, 1), K, "en")
        first = round(time.perf_counter() - started, 2)
        disk = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
        return {
            "open_and_first_search_s": first,
            **searched(vectors),
            "rss_gb": memory(),
            "disk_gb": round(disk / 1e9, 2),
        }


def memory() -> float:
    """Return the peak memory of this process in GB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


def main() -> None:
    """Write the vectors unless they are there, and print the figures of a reader."""
    command = parser(__doc__)
    command.add_argument("--sizes", type=int, nargs="+", default=[100_000, 200_000, 500_000, 1_000_000])
    command.add_argument("--home", type=Path, help="where the vectors are kept")
    command.add_argument("--json", type=Path, metavar="FILE")
    command.add_argument("--read", action="store_true", help="for this script: measure a reader")
    options = command.parse_args()
    home = options.home or models.cache_dir() / "benchmarks" / f"dense-{options.sizes[-1]}"
    if options.read:
        print(json.dumps(read(home)))
        return
    kept = home.with_suffix(".json")
    if not kept.exists():
        kept.write_text(json.dumps(build(home, options.sizes)), encoding="utf-8")
    arguments = ["-m", "benchmarks.dense", "--read", "--home", str(home)]
    done = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE)
    found = {"writer": json.loads(kept.read_text(encoding="utf-8")), "reader": json.loads(done.stdout)}
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
