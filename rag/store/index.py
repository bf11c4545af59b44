"""The index on disk: Chroma and the catalogue behind one door, and the manifest that says what built them.

    INDEX/manifest.json              which generation is current and what built it
    INDEX/<generation>/catalog.sqlite, catalog.lexical/, alignment.npz, chroma/
    INDEX/.lock                      held while an index is written

A build writes a new generation, and a change writes into a copy of the current one; then the manifest is
replaced. So a reader sees the old index or the new one, and an interrupted writer changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.embedding.alignment import Alignment
from rag.embedding.base import Vectors
from rag.errors import LibraryIndexError
from rag.schema import Chunk, Filters, Language, Paper
from rag.store.catalog import Catalog
from rag.store.generations import hold
from rag.store.manifest import Manifest
from rag.store.vectors import open_vectors
from rag.store.within import EACH_OF, fetched, without_papers


class Store:
    """An open index: dense and lexical search, and the papers behind the chunks."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        """Open the current generation; use `open_store`."""
        home = directory / manifest.generation
        self.directory = directory
        self.manifest = manifest
        try:
            self.alignment = Alignment.load(home / "alignment.npz")
        except (OSError, ValueError) as error:
            raise _unusable(directory, error) from error
        self.catalog = current_catalog(directory, manifest)
        self.vectors = open_vectors(home / "chroma", manifest.collection_name, url=manifest.chroma_url)
        self._release = hold(home, self)

    def dense(
        self, vector: Vectors, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, cosine) for an aligned vector (1, d), best first."""
        if filters is None or not filters.papers:
            return self.vectors.search(vector, k, language, filters)
        part = self.catalog.part(filters, language)
        if len(part.chunk_ids) <= EACH_OF:
            nearest = self.cosines(vector, part.chunk_ids)
            return sorted(nearest.items(), key=lambda hit: (-hit[1], hit[0]))[:k]
        others = without_papers(filters)
        return fetched(
            part, k, self.manifest.chunks, lambda size: self.vectors.search(vector, size, language, others)
        )

    def lexical(
        self, query: str, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, BM25), best first."""
        return self.catalog.search(query, k, language, filters)

    def cosines(self, vector: Vectors, chunk_ids: Sequence[str]) -> dict[str, float]:
        """Return the cosine of an aligned vector (1, d) with each known chunk."""
        known, rows = self.aligned(chunk_ids)
        return dict(zip(known, (rows @ vector[0]).tolist(), strict=True)) if known else {}

    def aligned(self, chunk_ids: Sequence[str]) -> tuple[list[str], Vectors]:
        """Return the chunks that are known, in the order given, and their aligned vectors, shape (n, d)."""
        raw = self.catalog.chunk_vectors(chunk_ids)
        known = [chunk_id for chunk_id in chunk_ids if chunk_id in raw]
        if not known:
            return [], np.zeros((0, 0), dtype=np.float32)
        rows = np.stack([raw[chunk_id][1] for chunk_id in known])
        return known, self.alignment.apply_each(rows, [raw[chunk_id][0] for chunk_id in known], "passage")

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, tuple[Paper, Chunk]]:
        """Return each known chunk with its paper."""
        return self.catalog.chunks(chunk_ids)

    def close(self) -> None:
        """Close the files."""
        self.catalog.close()
        self.vectors.close()
        self._release()


def current_catalog(directory: Path, manifest: Manifest | None = None) -> Catalog:
    """Open the catalogue of the index in `directory`, of which `manifest` is known to be the current one.

    Raises:
        IndexMissingError, IndexMismatchError: there is no index of this version.
        LibraryIndexError: the catalogue is missing or damaged.
    """
    home = directory / (manifest or Manifest.read(directory)).generation
    try:
        return Catalog(home / "catalog.sqlite")
    except sqlite3.Error as error:
        raise _unusable(directory, error) from error


def _unusable(directory: Path, error: Exception) -> LibraryIndexError:
    return LibraryIndexError(f"The index in {directory} cannot be used ({error}); see `rag doctor`.")


def open_store(directory: Path) -> Store:
    """Open the index in `directory`.

    Raises:
        IndexMissingError: there is none.
        IndexMismatchError: it cannot be used with this version.
        LibraryIndexError: it is damaged, or its Chroma server does not answer.
    """
    return Store(directory, Manifest.read(directory))


def open_index(directory: Path, embedding_model: str, chroma_url: str | None = None) -> Store:
    """Open the index in `directory` for questions embedded by `embedding_model`.

    A `chroma_url` must be the one it was built with; without one, the index knows its own.

    Raises:
        IndexMissingError, IndexMismatchError, LibraryIndexError: it cannot be used; the message says why.
    """
    manifest = Manifest.read(directory)
    expected = {"embedding_model": embedding_model} | ({"chroma_url": chroma_url} if chroma_url else {})
    manifest.check(directory, expected)
    return open_store(directory)
