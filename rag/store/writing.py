"""Write an index: a new generation from everything, or a changed copy of the current one."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from rag.embedding.alignment import Alignment, VectorSum
from rag.embedding.base import Vectors
from rag.errors import IndexBusyError, LibraryIndexError
from rag.schema import Chunk, Language, Paper
from rag.store.catalog import Catalog
from rag.store.catalog_writer import CatalogChange, Passages, change_catalog, write_catalog
from rag.store.generations import copy_generation, size_of, sweep
from rag.store.manifest import Manifest
from rag.store.records import Inputs
from rag.store.vectors import VectorIndex, drop_collection, open_vectors

# Free bytes for each byte of the current generation, below which old ones are deleted before a change is
# written and not after it; higher has changes wait for the deletion more often.
_ROOM = 2


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
    """Everything that goes into a new generation: the passages' vectors are raw, `aligned` go into Chroma."""

    papers: Mapping[str, Paper]
    passages: Passages
    aligned: Vectors
    alignment: Alignment
    inputs: Inputs


@dataclass(frozen=True)
class Change:
    """What changes in the catalogue and in Chroma: new chunks with aligned vectors, and replaced ones.

    `sums` are those of the raw vectors afterwards.
    """

    catalog: CatalogChange
    sums: Mapping[Language, VectorSum]
    aligned: Vectors
    replaced: Sequence[Chunk]


def new_generation() -> str:
    """Return a fresh name for a generation."""
    return uuid.uuid4().hex[:12]


def write_store(directory: Path, manifest: Manifest, contents: Contents) -> Manifest:
    """Write a new generation and make it the current one; call it inside `writing(directory)`.

    Returns `manifest` with the counts of what was written.

    The generation it replaces stays until the next build, for readers that have just read the manifest.
    Older ones that nobody reads, and remains of interrupted builds, are deleted.

    Raises:
        LibraryIndexError: the disk is full or cannot be written, or the Chroma server failed.
    """
    return _publish(directory, manifest, lambda home: _write_generation(home, manifest, contents))


def change_store(directory: Path, manifest: Manifest, change: Change) -> Manifest:
    """Copy the current generation, change the copy, and make it the current one, as `write_store` does.

    `manifest` says what the index is afterwards; its generation is new, its collection that of before. On a
    Chroma server the collection itself is changed: what is new is there before it is in the catalogue, and
    what is gone goes after it has left the catalogue. A reader ignores chunks that its catalogue lacks.

    Raises:
        LibraryIndexError: as `write_store`.
    """
    current = directory / Manifest.read(directory).generation
    old = {(chunk.chunk_id, chunk.language) for chunk in change.replaced}
    added = {(chunk.chunk_id, chunk.language) for chunk in change.catalog.passages.chunks}

    def write(home: Path) -> None:
        copy_generation(current, home)
        change_catalog(home / "catalog.sqlite", change.catalog, change.sums)
        with closing(_with_short_log(home, manifest)) as vectors:
            # A change that was interrupted can have left what it added on the server.
            vectors.remove(sorted(added if manifest.chroma_url else old))
            vectors.add(change.catalog.passages.chunks, change.aligned, change.catalog.papers)

    published = _publish(directory, manifest, write)
    if manifest.chroma_url:
        with closing(_vectors(directory, manifest)) as vectors:
            vectors.remove(sorted(old - added))
    return published


def _publish(directory: Path, manifest: Manifest, write: Callable[[Path], None]) -> Manifest:
    replaced = _current(directory)
    kept = {replaced.generation} if replaced else set()
    if replaced and not _has_room(directory, directory / replaced.generation):
        sweep(directory, kept)
    done = False
    try:
        home = directory / manifest.generation
        write(home)
        with closing(Catalog(home / "catalog.sqlite")) as catalog:
            manifest = replace(manifest, **catalog.counts())
        manifest.write(directory)
        done = True
    except (OSError, sqlite3.Error) as error:
        raise unwritable(directory, error) from error
    finally:
        if not done:
            _delete(directory, manifest)
    if replaced is not None and replaced.chroma_url and replaced.collection_name != manifest.collection_name:
        drop_collection(replaced.chroma_url, replaced.collection_name)
    sweep(directory, {*kept, manifest.generation})  # takes time, and the new generation is in use already
    return manifest


def _has_room(directory: Path, home: Path) -> bool:
    """Return whether the disk has room for another copy of a generation beside those that are there."""
    return home.is_dir() and shutil.disk_usage(directory).free > _ROOM * size_of(home)


def _current(directory: Path) -> Manifest | None:
    try:
        return Manifest.read(directory)
    except LibraryIndexError:
        return None


def _delete(directory: Path, manifest: Manifest) -> None:
    shutil.rmtree(directory / manifest.generation, ignore_errors=True)
    if manifest.chroma_url and not manifest.collection:  # a changed collection is still in use
        drop_collection(manifest.chroma_url, manifest.collection_name)


def _write_generation(home: Path, manifest: Manifest, contents: Contents) -> None:
    home.mkdir(parents=True)
    write_catalog(home / "catalog.sqlite", contents.papers, contents.passages, contents.inputs)
    contents.alignment.save(home / "alignment.npz")
    sizes = Counter(chunk.language for chunk in contents.passages.chunks)
    with closing(_vectors(home, manifest, create=sizes)) as vectors:
        vectors.add(contents.passages.chunks, contents.aligned, contents.papers)
        vectors.log_less()


def _vectors(home: Path, manifest: Manifest, create: Mapping[Language, int] | None = None) -> VectorIndex:
    return open_vectors(home / "chroma", manifest.collection_name, url=manifest.chroma_url, create=create)


def _with_short_log(home: Path, manifest: Manifest) -> VectorIndex:
    """Open the vectors for a change.

    An older version let Chroma's log grow longer. It is put into the graph here, because Chroma would have
    several readers at once do so.
    """
    vectors = _vectors(home, manifest)
    if vectors.log_less():
        vectors.close()
        vectors = _vectors(home, manifest)
        vectors.count()  # now Chroma takes in its log
    return vectors


def unwritable(directory: Path, error: OSError | sqlite3.Error) -> LibraryIndexError:
    """Return the error that says why an index cannot be written, and what to do."""
    reason = error.strerror or error if isinstance(error, OSError) else error
    return LibraryIndexError(
        f"The index cannot be written to {directory} ({reason}); free some space, or give "
        "another place with --index."
    )
