"""The index on disk: Chroma and the catalogue behind one door, and the manifest that says what built them.

    INDEX/manifest.json              which generation is current and what built it
    INDEX/<generation>/catalog.sqlite, alignment.npz, chroma/
    INDEX/.lock                      held while an index is written

A build writes a new generation and then replaces the manifest, so a reader sees the old index or the new
one, and an interrupted build changes nothing.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from rag.embedding.alignment import Alignment
from rag.embedding.base import Vectors
from rag.errors import IndexBusyError, LibraryIndexError
from rag.schema import Chunk, Drop, Filters, Language, Paper, Problem
from rag.store.catalog import Catalog, write_catalog
from rag.store.manifest import MANIFEST_FILE, Manifest
from rag.store.vectors import VectorIndex, drop_collection, open_vectors


class Store:
    """An open index: dense and lexical search, and the papers behind the chunks."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        """Open the current generation; use `open_store`."""
        home = directory / manifest.generation
        self.directory = directory
        self.manifest = manifest
        try:
            self.catalog = Catalog(home / "catalog.sqlite")
            self.alignment = Alignment.load(home / "alignment.npz")
        except (sqlite3.Error, OSError, ValueError) as error:
            raise LibraryIndexError(
                f"The index in {directory} cannot be used ({error}); build it again with `rag index`."
            ) from error
        self.vectors: VectorIndex = open_vectors(
            home / "chroma", _collection(manifest.generation), url=manifest.chroma_url
        )

    def dense(
        self, vector: Vectors, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, cosine) for an aligned vector (1, d), best first."""
        return self.vectors.search(vector, k, language, filters)

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
        """Close both halves."""
        self.catalog.close()
        self.vectors.close()


def open_store(directory: Path) -> Store:
    """Open the index in `directory`.

    Raises:
        IndexMissingError: there is none.
        IndexMismatchError: it cannot be used with this version.
        LibraryIndexError: it is damaged, or its Chroma server does not answer.
    """
    return Store(directory, Manifest.read(directory))


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Hold the index's lock.

    Raises:
        IndexBusyError: another process is writing this index.
    """
    lock = FileLock(directory / ".lock", timeout=0)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise IndexBusyError(
            f"Another process is writing the index in {directory}; try again when it has finished."
        ) from None
    except OSError as error:
        raise unwritable(directory, error) from error
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True)
class Contents:
    """Everything that goes into a new generation: `vectors` are raw, `aligned` go into Chroma."""

    papers: Mapping[str, Paper]
    chunks: Sequence[Chunk]
    passage_keys: Sequence[str]
    vectors: Vectors
    aligned: Vectors
    alignment: Alignment
    drops: Sequence[Drop]
    problems: Sequence[Problem]


def new_generation() -> str:
    """Return a fresh name for a generation."""
    return uuid.uuid4().hex[:12]


def write_store(directory: Path, manifest: Manifest, contents: Contents) -> None:
    """Write a new generation and make it the current one; call it inside `writing(directory)`.

    The generation it replaces stays, for readers that have just opened it, until the next build; older
    ones, and remains of interrupted builds, are deleted.

    Raises:
        LibraryIndexError: the disk is full or cannot be written, or the Chroma server failed.
    """
    home = directory / manifest.generation
    replaced = _current(directory)
    done = False
    try:
        _write_generation(home, manifest, contents)
        temporary = directory / f".{MANIFEST_FILE}"
        temporary.write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.replace(directory / MANIFEST_FILE)
        done = True
    except (OSError, sqlite3.Error) as error:
        raise unwritable(directory, error) from error
    finally:
        if not done:
            _delete(directory, manifest)
    if replaced is not None and replaced.chroma_url:
        drop_collection(replaced.chroma_url, _collection(replaced.generation))
    keep = {manifest.generation, replaced.generation if replaced else ""}
    for path in directory.iterdir():
        if path.is_dir() and path.name not in keep and (path / "catalog.sqlite").exists():
            shutil.rmtree(path, ignore_errors=True)


def _current(directory: Path) -> Manifest | None:
    try:
        return Manifest.read(directory)
    except LibraryIndexError:
        return None


def _delete(directory: Path, manifest: Manifest) -> None:
    shutil.rmtree(directory / manifest.generation, ignore_errors=True)
    if manifest.chroma_url:
        drop_collection(manifest.chroma_url, _collection(manifest.generation))


def _write_generation(home: Path, manifest: Manifest, contents: Contents) -> None:
    home.mkdir(parents=True)
    write_catalog(
        home / "catalog.sqlite",
        papers=contents.papers,
        chunks=contents.chunks,
        passage_keys=contents.passage_keys,
        vectors=contents.vectors,
        drops=contents.drops,
        problems=contents.problems,
    )
    contents.alignment.save(home / "alignment.npz")
    vectors = open_vectors(
        home / "chroma", _collection(manifest.generation), url=manifest.chroma_url, create=True
    )
    with closing(vectors):
        vectors.add(contents.chunks, contents.aligned, contents.papers)


def unwritable(directory: Path, error: OSError | sqlite3.Error) -> LibraryIndexError:
    """Return the error that says why an index cannot be written, and what to do."""
    reason = error.strerror or error if isinstance(error, OSError) else error
    return LibraryIndexError(
        f"The index cannot be written to {directory} ({reason}); free some space, or give "
        "another place with --index."
    )


def _collection(generation: str) -> str:
    return f"citefold-{generation}"


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
