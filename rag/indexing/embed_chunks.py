"""Passages: what the embedding model reads of a chunk, and their vectors, embedded once and kept.

Vectors are kept as they are made in `INDEX/.passages.sqlite`, so a build that was stopped goes on where it was;
a finished build deletes the file, because the catalogue holds the vectors.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rag.embedding.base import Embedder, Vectors
from rag.schema import Progress

# Passages between two writes of their vectors and two calls of `progress`: some seconds of work.
_STEP = 64
_MAX_VARIABLES = 500
_FILE = ".passages.sqlite"


class UnfinishedVectors:
    """Vectors of a build that has not finished yet, on disk."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Use the open file `db`; see `unfinished_vectors`."""
        self._db = db
        db.execute("CREATE TABLE IF NOT EXISTS vectors (passage_key TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def get(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors (d,) that are here, by key."""
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
        """Write vectors (d,) by key; they are safe when this returns."""
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)


@contextmanager
def unfinished_vectors(directory: Path) -> Iterator[UnfinishedVectors]:
    """Open the kept vectors of an index directory; the file goes when the block ends well, and stays otherwise.

    A file that cannot be read is begun anew. Raises sqlite3.Error when it cannot be written.
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
) -> dict[str, Vectors]:
    """Return the vector (d,) of each passage, by key; those that `kept` has are not embedded again."""
    known = kept.get(list(passages))
    # Neighbours of about equal length waste the least on padding; the longest first shows how long it takes.
    order = sorted(passages.keys() - known.keys(), key=lambda key: (-len(passages[key]), key))
    total = len(passages)
    for first in range(0, len(order), _STEP):
        progress("Embedding", total - len(order) + first, total)
        step = order[first : first + _STEP]
        rows = embedder.embed_passages([passages[key] for key in step])
        fresh = dict(zip(step, rows, strict=True))
        kept.put(fresh)
        known |= fresh
    progress("Embedding", total, total)
    return known
