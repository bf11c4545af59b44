"""Upgrade an index of an older version, without embedding again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rag.embedding.alignment import Alignment
from rag.indexing.folded import record_keys
from rag.schema import Drop, Paper
from rag.store.applying import rewrite
from rag.store.catalog_writer import NO_PASSAGES, CatalogChange
from rag.store.index import current_catalog
from rag.store.manifest import SCHEMA_VERSION, Manifest
from rag.store.records import FoldedRecord, Inputs, paper_of


def upgraded(directory: Path) -> Manifest:
    """Return the manifest of the index, which is rewritten if version 2 wrote it.

    Version 2 kept no record of a paper that was not folded: the paper stands for it, once for each place
    where it was read. Call it inside `writing(directory)`. Raises what `rewrite` raises.
    """
    manifest = Manifest.read(directory)
    if manifest.schema_version == SCHEMA_VERSION:
        return manifest
    with closing(current_catalog(directory, manifest)) as catalog:
        drops = [Drop(**{**drop, "paper": paper_of(drop["paper"])}) for drop in catalog.drops()]
        records = tuple(_records(catalog.papers(), drops))
        change = CatalogChange({}, NO_PASSAGES, Inputs(records))
        now = replace(manifest, schema_version=SCHEMA_VERSION)
        alignment = Alignment.load(directory / manifest.generation / "alignment.npz")
        return rewrite(directory, now, catalog, alignment, change)


def _records(papers: list[Paper], drops: list[Drop]) -> Iterator[FoldedRecord]:
    folded = {(drop.kept_id, source) for drop in drops for source in drop.paper.sources}
    for paper in papers:
        keys = record_keys(paper)
        for source in paper.sources:
            if (paper.paper_id, source) not in folded:
                yield FoldedRecord(replace(paper, sources=(source,)), paper.paper_id, keys=keys)
    for drop in drops:
        for source in drop.paper.sources:
            paper = replace(drop.paper, sources=(source,))
            yield FoldedRecord(paper, drop.kept_id, drop.reason, drop.score, record_keys(drop.paper))
