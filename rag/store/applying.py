"""Put a change into an index: into a copy of it, or into a new one where much has changed.

The vectors in Chroma are centred on the mean of their language. The means move with every change, and the
vectors are centred anew only once a mean has moved by more than `_DRIFT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag.embedding.alignment import Alignment, shipped_alignment
from rag.embedding.base import Vectors
from rag.schema import Chunk
from rag.store.catalog import Catalog
from rag.store.catalog_writer import NO_PASSAGES, CatalogChange, Passages, sums_of
from rag.store.index import current_catalog
from rag.store.manifest import Manifest
from rag.store.records import Inputs
from rag.store.writing import Change, Contents, change_store, new_generation, write_store

# L2 distance that the mean of a language may move before all vectors are centred on it again; higher writes
# less. See docs/decisions.md#drift
_DRIFT = 0.01
# Share of the chunks above which a new index is written: Chroma removes slowly. Higher copies more often.
_LARGE = 0.25


def apply_change(directory: Path, manifest: Manifest, change: CatalogChange) -> Manifest:
    """Make `change` in the index that `manifest` describes; call it inside `writing(directory)`.

    Raises:
        LibraryIndexError: the disk is full or cannot be written, or the Chroma server failed.
    """
    with closing(current_catalog(directory, manifest)) as catalog:
        replaced = catalog.passages(sorted({*change.papers, *change.removed_papers}))
        sums = catalog.sums()
        for sign, passages in ((-1, as_passages(replaced)), (1, change.passages)):
            for language, part in sums_of(passages).items():
                sums[language] = sums[language].plus(part, sign) if language in sums else part
        current = Alignment.load(directory / manifest.generation / "alignment.npz")
        alignment = shipped_alignment(manifest.embedding_model).for_library(sums)
        share = max(len(replaced), len(change.passages.chunks)) / max(1, manifest.chunks)
        if share > _LARGE or alignment.drift(current) > _DRIFT:
            return rewrite(directory, manifest, catalog, alignment, change)
    languages = [chunk.language for chunk in change.passages.chunks]
    aligned = current.apply_each(change.passages.vectors, languages, "passage")
    now = replace(manifest, generation=new_generation(), collection=manifest.collection_name)
    return change_store(directory, now, Change(change, sums, aligned, [chunk for chunk, _, _ in replaced]))


def rewrite(
    directory: Path, manifest: Manifest, catalog: Catalog, alignment: Alignment, change: CatalogChange
) -> Manifest:
    """Write what `catalog` holds, with `change`, as a new generation with this alignment."""
    replaced = {*change.papers, *change.removed_papers}
    new = {**change.moved, **change.papers}
    papers = {p.paper_id: new.get(p.paper_id, p) for p in catalog.papers()} | new
    papers = {i: paper for i, paper in papers.items() if i not in change.removed_papers}
    old = as_passages([row for row in catalog.passages() if row[0].paper_id not in replaced])
    passages = _joined(old, change.passages)
    removed = set(change.removed_records)
    stay = tuple(r for number, r in catalog.numbered_records().items() if number not in removed)
    files, names = tuple(catalog.inputs().values()), set(change.files)
    inputs = Inputs(
        stay + change.inputs.records,
        tuple(f for f in files if f.name not in names) + change.inputs.files,
        tuple(p for p in catalog.problems() if p.file not in names) + change.inputs.problems,
    )
    languages = [chunk.language for chunk in passages.chunks]
    aligned = alignment.apply_each(passages.vectors, languages, "passage")
    now = replace(manifest, generation=new_generation(), collection=None, alignment_digest=alignment.digest)
    return write_store(directory, now, Contents(papers, passages, aligned, alignment, inputs))


def as_passages(rows: Sequence[tuple[Chunk, str, Vectors]]) -> Passages:
    """Return rows of `Catalog.passages` by column."""
    if not rows:
        return NO_PASSAGES
    chunks, keys, vectors = zip(*rows, strict=True)
    return Passages(chunks, keys, np.stack(vectors))


def _joined(first: Passages, second: Passages) -> Passages:
    parts = [part for part in (first, second) if part.chunks]
    vectors = np.concatenate([p.vectors for p in parts]) if parts else first.vectors
    return Passages([*first.chunks, *second.chunks], [*first.keys, *second.keys], vectors)
