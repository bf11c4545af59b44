"""Embed passages, the texts that the embedding model reads for chunks.

`INDEX/.passages.sqlite` stores each batch of vectors, so that an interrupted build can resume. A finished
build deletes the file, because the catalogue holds the vectors.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rag.embedding.base import Embedder, Vectors
from rag.schema import Progress

Embed = Callable[[Sequence[Sequence[str]]], Iterator[Vectors]]
"""Yields the vectors (n, d) of each batch of passages, in order."""

_STEP = 64  # passages per batch; higher writes vectors and reports progress less often
_MAX_VARIABLES = 500  # keys per SQL query
_FILE = ".passages.sqlite"


class UnfinishedVectors:
    """Vectors of an unfinished build, on disk."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Use an open database; see `unfinished_vectors`."""
        self._db = db
        db.execute("CREATE TABLE IF NOT EXISTS vectors (passage_key TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def get(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """Return the stored vectors (d,) among `keys`, by key."""
        found: dict[str, Vectors] = {}
        for first in range(0, len(keys), _MAX_VARIABLES):
            batch = keys[first : first + _MAX_VARIABLES]
            marks = ",".join("?" * len(batch))
            rows = self._db.execute(
                f"SELECT passage_key, vector FROM vectors WHERE passage_key IN ({marks})", batch
            )
            found |= {key: np.frombuffer(blob, dtype="<f4") for key, blob in rows}
        return found

    def put(self, vectors: Mapping[str, Vectors]) -> None:
        """Write vectors (d,) by key and commit."""
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)


@contextmanager
def unfinished_vectors(directory: Path) -> Iterator[UnfinishedVectors]:
    """Open the vectors of an unfinished build; delete the file if the block ends without an error.

    A damaged file is replaced. Raises sqlite3.Error if the file cannot be written.
    """
    path = directory / _FILE
    db = sqlite3.connect(path)
    try:
        kept = UnfinishedVectors(db)
    except sqlite3.DatabaseError:
        db.close()
        path.unlink(missing_ok=True)
        db = sqlite3.connect(path)
        kept = UnfinishedVectors(db)
    try:
        yield kept
    finally:
        db.close()
    path.unlink(missing_ok=True)


def embed_passages(
    passages: Mapping[str, str],
    embedder: Embedder,
    kept: UnfinishedVectors,
    progress: Progress = lambda stage, done, total: None,
    embed: Embed | None = None,
) -> dict[str, Vectors]:
    """Return the vector (d,) of each passage by key; embed only passages that `kept` does not have.

    `embed` yields the vectors (n, d) of each batch in turn; by default `embedder` does it here.
    """
    known = kept.get(list(passages))
    # Passages of similar length need little padding. With the longest first, progress is not too optimistic.
    order = sorted(passages.keys() - known.keys(), key=lambda key: (-len(passages[key]), key))
    total = len(passages)
    steps = [order[first : first + _STEP] for first in range(0, len(order), _STEP)]
    batches = [[passages[key] for key in step] for step in steps]
    found = embed(batches) if embed else map(embedder.embed_passages, batches)
    done = total - len(order)
    progress("Embedding", done, total)
    for step, rows in zip(steps, found, strict=True):
        fresh = dict(zip(step, rows, strict=True))
        kept.put(fresh)
        known |= fresh
        done += len(step)
        progress("Embedding", done, total)
    progress("Embedding", total, total)
    return known
