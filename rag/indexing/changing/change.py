"""Change an index by what changed in its files: only the records it touches are folded and embedded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag.embedding.alignment import Alignment
from rag.embedding.base import Embedder
from rag.indexing.build import unfinished
from rag.indexing.changing.file_changes import FileChange
from rag.indexing.changing.refold import Diff, Fold, diff
from rag.indexing.changing.upgrade import upgraded
from rag.indexing.decisions import Decisions, load_decisions
from rag.indexing.embed_chunks import UnfinishedVectors
from rag.indexing.folded import planted
from rag.indexing.passages import make_passages
from rag.indexing.works import has_both_languages, paper_vectors, with_twins
from rag.schema import LANGUAGES, Paper, Problem, Progress
from rag.store.applying import apply_change
from rag.store.catalog import Catalog
from rag.store.catalog_writer import CatalogChange, Passages
from rag.store.index import current_catalog
from rag.store.manifest import Manifest
from rag.store.records import Inputs
from rag.store.writing import writing


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What a change did: the manifest after it, papers new and gone, and what could not be read."""

    manifest: Manifest
    added: tuple[Paper, ...]
    removed: tuple[str, ...]
    folded: int
    problems: tuple[Problem, ...]


def change_index(
    directory: Path,
    changes: Sequence[FileChange],
    load_embedder: Callable[[], Embedder],
    *,
    gone: Sequence[str] = (),
    refold: Sequence[str] = (),
    progress: Progress = lambda stage, done, total: None,
) -> ChangeReport:
    """Make the index in `directory` hold what the files of `changes` hold now; the other files stay.

    `gone` are ids of papers whose records go from all files, `refold` ids of records that are folded again
    because of a choice by hand. The change appears at once when it is finished.

    Raises:
        IndexMissingError, IndexMismatchError: there is no index, or it was built with another model.
        IndexBusyError: another process is writing this index.
        LibraryIndexError: the index cannot be written.
    """
    embedder = load_embedder()
    with writing(directory), unfinished(directory) as kept_vectors:
        manifest = upgraded(directory)
        manifest.check(directory, {"embedding_digest": embedder.digest})
        with closing(current_catalog(directory, manifest)) as catalog:
            alignment = Alignment.load(directory / manifest.generation / "alignment.npz")
            languages = frozenset(manifest.languages)
            library = _Library(catalog, alignment, load_decisions(directory), embedder, languages)
            touched = diff(catalog, changes, gone)
            change, new = library.change(touched, refold, kept_vectors, progress)
            known = catalog.inputs()
        problems = (*(p for file in changes for p in file.problems), *planted(new))
        stamps = tuple(stamp for file in changes if (stamp := file.stamp_after(known)))
        inputs = Inputs(change.inputs.records, stamps, problems)
        change = replace(change, inputs=inputs, files=[file.name for file in changes])
        progress("Storing", 0, 1)
        manifest = apply_change(directory, manifest, change)
        progress("Storing", 1, 1)
    folded = sum(record.reason is not None for record in inputs.records)
    return ChangeReport(manifest, new, tuple(change.removed_papers), folded, problems)


def _same_work(before: Paper | None, after: Paper) -> Paper:
    """Return a folded paper in the work that it was in, unless its records say another one."""
    return replace(after, work_id=before.work_id) if before and not after.work_id else after


@dataclass(frozen=True)
class _Library:
    """An index before a change."""

    catalog: Catalog
    alignment: Alignment
    decisions: Decisions
    embedder: Embedder
    languages: Collection[str]

    def change(
        self, touched: Diff, refold: Sequence[str], kept_vectors: UnfinishedVectors, progress: Progress
    ) -> tuple[CatalogChange, tuple[Paper, ...]]:
        """Fold, embed and link what is touched; return what changes, files left out, and the new papers."""
        after, refolded = Fold(self.catalog, self.decisions).again(touched, refold, progress)
        before = self.catalog.papers_by_id(sorted({record.kept_id for record in refolded.values()}))
        kept = {i: _same_work(before.get(i), paper) for i, paper in after.papers.items()}
        changed = {i: paper for i, paper in kept.items() if before.get(i) != paper}
        moved = {i: changed.pop(i) for i, p in before.items() if i in changed and _alike(p, changed[i])}
        moved |= _with_moved_sources(self.catalog, touched, {*before, *after.papers})
        passages = make_passages(
            changed.values(), self.embedder, self.catalog.vectors, kept_vectors, progress
        )
        for i, paper in self.relinked(changed, moved, before.keys() - kept.keys(), passages).items():
            (changed if i in changed else moved)[i] = paper
        change = CatalogChange(
            changed,
            passages,
            Inputs(tuple(after.records)),
            removed_papers=sorted(before.keys() - after.papers.keys()),
            removed_records=sorted(after.replaced),
            moved=moved,
        )
        return change, tuple(paper for i, paper in changed.items() if i not in before)

    def relinked(
        self,
        changed: Mapping[str, Paper],
        moved: Mapping[str, Paper],
        removed: Collection[str],
        passages: Passages,
    ) -> dict[str, Paper]:
        """Return the papers whose work is another one after a change."""
        languages_now = {*self.languages, *(paper.language for paper in changed.values())}
        if len(languages_now) < len(LANGUAGES):
            return {}
        papers = {p.paper_id: p for p in self.catalog.papers() if p.paper_id not in removed}
        papers |= {**moved, **changed}
        if not has_both_languages(papers):
            return {}
        owners, languages, raw = self.catalog.raw_vectors()
        stay = [row for row, i in enumerate(owners) if i in papers and i not in changed]
        owners = [owners[row] for row in stay] + [chunk.paper_id for chunk in passages.chunks]
        languages = [languages[row] for row in stay] + [chunk.language for chunk in passages.chunks]
        parts = [part for part in (raw[stay], passages.vectors) if len(part)]
        rows = paper_vectors(list(papers), owners, languages, np.concatenate(parts), self.alignment)
        now = with_twins(papers, rows, self.decisions, self.embedder.name, changed.keys())
        return {i: paper for i, paper in now.items() if paper.work_id != papers[i].work_id}


def _alike(before: Paper, after: Paper) -> bool:
    """Return whether all that is searched and filtered by is as it was."""

    def searched(paper: Paper) -> tuple[object, ...]:
        return paper.title, paper.text, paper.year, {source.file for source in paper.sources}

    return searched(before) == searched(after)


def _with_moved_sources(catalog: Catalog, diff: Diff, done: set[str]) -> dict[str, Paper]:
    """Return the papers, but those in `done`, of which a record has moved, with its new position."""
    kept = sorted({record.kept_id for record in diff.moved.values()} - done)
    if not kept:
        return {}
    old = catalog.records_in("number", sorted(diff.moved))
    now = {record.source: diff.moved[number].source for number, record in old.items()}
    papers = catalog.papers_by_id(kept)
    return {
        i: replace(paper, sources=tuple(now.get(source, source) for source in paper.sources))
        for i, paper in papers.items()
    }
