"""Find damage in an index, and rebuild from the catalogue what can be rebuilt without embedding.

The catalogue holds the papers, the raw vectors and everything else that was read. Chroma and the lexical
index are made from it, and so can be made again.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from rag.embedding.alignment import Alignment, shipped_alignment
from rag.errors import LibraryIndexError
from rag.schema import Record
from rag.store.applying import rewrite
from rag.store.catalog import Catalog
from rag.store.catalog_writer import NO_PASSAGES, CatalogChange
from rag.store.generations import left_over, size_of, sweep
from rag.store.lexical import LexicalIndex, lexical_path
from rag.store.manifest import Manifest
from rag.store.records import Inputs
from rag.store.vectors import open_vectors

Level = Literal["error", "warning", "note"]
Check = Literal["catalogue", "lexical index", "vectors", "alignment", "disk", "models", "texts", "duplicates"]

_PROBED = 20  # chunks whose own vector is searched for
_REBUILT: frozenset[str] = frozenset({"lexical index", "vectors", "alignment"})


@dataclass(frozen=True, slots=True)
class Finding(Record):
    """Something that was found: an "error" is damage, a "warning" may be a fault, a "note" tells.

    `papers` are the ids of papers that show it, at most twenty.
    """

    level: Level
    check: Check
    message: str
    papers: tuple[str, ...] = ()


def damage(directory: Path) -> Iterator[Finding]:
    """Yield what is damaged in the current generation, and whether the disk has room for a change.

    Raises:
        IndexMissingError, IndexMismatchError: there is no index of this version.
    """
    manifest = Manifest.read(directory)
    home = directory / manifest.generation
    try:
        with closing(Catalog(home / "catalog.sqlite")) as catalog:
            faults = catalog.faults()
            if faults:
                yield _broken("catalogue", faults[0])
                return
            yield from _derived(home, manifest, catalog)
    except sqlite3.Error as error:
        yield _broken("catalogue", str(error))
    yield from _disk(directory, home)


def rebuild(directory: Path) -> Manifest:
    """Make Chroma and the lexical index again from the catalogue; call it inside `writing(directory)`.

    Raises:
        LibraryIndexError: the catalogue is damaged too, or the index cannot be written.
    """
    manifest = Manifest.read(directory)
    home = directory / manifest.generation
    nothing = CatalogChange({}, NO_PASSAGES, Inputs())
    try:
        with closing(Catalog(home / "catalog.sqlite")) as catalog:
            shipped = shipped_alignment(manifest.embedding_model)
            alignment = _alignment(home) or shipped.for_library(catalog.sums())
            done = rewrite(directory, manifest, catalog, alignment, nothing)
    except sqlite3.Error as error:
        raise LibraryIndexError(
            f"The catalogue in {home} is damaged ({error}); restore a backup with `rag restore FILE`, or "
            "build the index again with `rag index PATH`."
        ) from error
    sweep(directory, {done.generation})
    return done


def can_rebuild(finding: Finding) -> bool:
    """Return whether `rebuild` mends what was found."""
    return finding.level == "error" and finding.check in _REBUILT


def _derived(home: Path, manifest: Manifest, catalog: Catalog) -> Iterator[Finding]:
    alignment = _alignment(home)
    if alignment is None:
        yield _broken("alignment", "alignment.npz cannot be read")
    try:
        count = LexicalIndex(lexical_path(home / "catalog.sqlite")).count()
        if count != manifest.chunks:
            yield _broken("lexical index", f"it has {count:,} chunks of {manifest.chunks:,}")
    except LibraryIndexError as error:
        yield _broken("lexical index", str(error))
    try:
        url, name = manifest.chroma_url, manifest.collection_name
        with closing(open_vectors(home / "chroma", name, url=url)) as vectors:
            count = vectors.count()
            if count < manifest.chunks or (count > manifest.chunks and not url):
                yield _broken("vectors", f"Chroma has {count:,} chunks of {manifest.chunks:,}")
                return
            if alignment is None:
                return
            rng = np.random.default_rng(0)
            ids = [chunk_id for chunk_id, _ in catalog.chunk_ids()]
            probed = [ids[i] for i in rng.choice(len(ids), min(_PROBED, len(ids)), replace=False)]
            for chunk_id, (language, raw) in catalog.chunk_vectors(probed).items():
                vector = alignment.apply(raw[None], language, "passage")
                found = vectors.search(vector, 1, language)
                if not found or (float(np.linalg.norm(vector)) > 0.5 and found[0][1] < 0.999):
                    yield _broken("vectors", f"the vector of {chunk_id} in Chroma is another one")
                    return
    except LibraryIndexError as error:
        yield _broken("vectors", str(error))


def _disk(directory: Path, home: Path) -> Iterator[Finding]:
    size = size_of(home)
    free = shutil.disk_usage(directory).free
    if free < 2 * size:
        room = f"only {free / 1e6:,.0f} MB are free"
        message = f"The index has {size / 1e6:,.0f} MB and a change copies it, but {room}."
        yield Finding("warning", "disk", message)
    left = left_over(directory, {home.name})
    if len(left) > 1:  # the one before stays for readers that have just read the manifest
        yield Finding("note", "disk", f"{len(left)} folders of earlier builds wait for the next change.")


def _alignment(home: Path) -> Alignment | None:
    try:
        return Alignment.load(home / "alignment.npz")
    except (OSError, ValueError):
        return None


def _broken(check: Check, reason: str) -> Finding:
    return Finding("error", check, f"The {check} is damaged: {reason.rstrip('.')}.")
