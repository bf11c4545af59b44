"""Change an index by what changed in its files: only the records it touches are folded and embedded.

A new or vanished record can change the folds of the records that share a blocking key with it, and so on;
this neighbourhood is folded again, and the rest is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rag.embedding.base import Embedder
from rag.indexing.build import unfinished
from rag.indexing.decisions import Decisions, load_decisions
from rag.indexing.dedup.folding import deduplicate
from rag.indexing.file_changes import FileChange
from rag.indexing.folded import folded_records, planted, record_keys
from rag.indexing.passages import make_passages
from rag.indexing.upgrade import upgraded
from rag.schema import Paper, Problem, Progress, Source
from rag.store.applying import apply_change
from rag.store.catalog import Catalog
from rag.store.catalog_writer import CatalogChange
from rag.store.manifest import Manifest
from rag.store.records import FoldedRecord, Inputs
from rag.store.writing import writing

# Records that are folded again together; higher follows longer chains of records that share a key.
_MOST_REFOLDED = 5000


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What a change did: the manifest after it, papers new and gone, and what could not be read."""

    manifest: Manifest
    added: tuple[Paper, ...]
    removed: tuple[str, ...]
    folded: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Diff:
    """The records of changed files: `gone` and `moved` (to a position) by row number, and new papers."""

    gone: Mapping[int, FoldedRecord]
    moved: Mapping[int, FoldedRecord]
    new: Sequence[Paper]


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
        with closing(Catalog(directory / manifest.generation / "catalog.sqlite")) as catalog:
            diff = _diff(catalog, changes, gone)
            fold = _Fold(catalog, load_decisions(directory))
            after, refolded = fold.again(diff, refold, progress)
            before = catalog.papers_by_id(sorted({record.kept_id for record in refolded.values()}))
            changed = {i: p for i, p in after.papers.items() if before.get(i) != p}
            moved = {i: changed.pop(i) for i, p in before.items() if i in changed and _alike(p, changed[i])}
            moved |= _with_moved_sources(catalog, diff, {*before, *after.papers})
            passages = make_passages(changed.values(), embedder, catalog.vectors, kept_vectors, progress)
        new = [paper for i, paper in changed.items() if i not in before]
        problems = (*(p for change in changes for p in change.problems), *planted(new))
        stamps = tuple(change.stamp for change in changes if change.stamp)
        change = CatalogChange(
            changed,
            passages,
            Inputs(tuple(after.records), stamps, problems),
            removed_papers=sorted(before.keys() - after.papers.keys()),
            removed_records=sorted(after.replaced),
            files=[change.name for change in changes],
            moved=moved,
        )
        progress("Storing", 0, 1)
        manifest = apply_change(directory, manifest, change)
        progress("Storing", 1, 1)
    folded = sum(record.reason is not None for record in after.records)
    return ChangeReport(manifest, tuple(new), tuple(change.removed_papers), folded, problems)


def _alike(before: Paper, after: Paper) -> bool:
    """Return whether all that is searched and filtered by is as it was."""

    def searched(paper: Paper) -> tuple[object, ...]:
        return paper.title, paper.text, paper.year, {source.file for source in paper.sources}

    return searched(before) == searched(after)


def _diff(catalog: Catalog, changes: Sequence[FileChange], gone_ids: Sequence[str]) -> _Diff:
    """Match the records of changed files with those in the catalogue, by content."""
    gone = catalog.records_in("kept_id", gone_ids)
    names = [change.name for change in changes if change.replaces]
    old = {n: r for n, r in catalog.records_in("file", names).items() if n not in gone}
    by_content: dict[Paper, list[int]] = defaultdict(list)
    for number in sorted(old, reverse=True):
        by_content[_content(old[number].paper)].append(number)
    moved: dict[int, FoldedRecord] = {}
    new: list[Paper] = []
    for paper in (paper for change in changes for paper in change.papers):
        numbers = by_content[_content(paper)]
        if not numbers:
            new.append(paper)
            continue
        record = old.pop(number := numbers.pop())
        if record.source != paper.sources[0]:
            moved[number] = record.moved(paper.sources[0].position)
    return _Diff(gone | old, moved, new)


def _content(paper: Paper) -> Paper:
    return replace(paper, sources=(Source(paper.sources[0].file, 0),))


@dataclass(frozen=True)
class _Folded:
    """The neighbourhood after folding: its papers, the records to write, and the row numbers they replace."""

    papers: Mapping[str, Paper]
    records: Sequence[FoldedRecord]
    replaced: frozenset[int]


@dataclass(frozen=True)
class _Fold:
    """Folds a part of a library again."""

    catalog: Catalog
    decisions: Decisions

    def again(
        self, diff: _Diff, refold: Sequence[str], progress: Progress
    ) -> tuple[_Folded, Mapping[int, FoldedRecord]]:
        """Fold the neighbourhood of what is new, gone or to `refold`; return it, and its records before."""
        progress("Folding", 0, 1)
        keys = {key for paper in diff.new for key in record_keys(paper)}
        keys |= {key for record in diff.gone.values() for key in record.keys}
        named = [*refold, *self._partners(paper.paper_id for paper in diff.new)]
        before = self._neighbourhood(keys, {*diff.gone, *self.catalog.records_in("paper_id", named)})
        stay = {n: diff.moved.get(n, record) for n, record in before.items() if n not in diff.gone}
        read = [(record.paper, n) for n, record in stay.items()] + [(paper, None) for paper in diff.new]
        read.sort(key=lambda pair: (pair[0].sources[0].file, pair[0].sources[0].position))  # as a build does
        papers = [paper for paper, _ in read]
        folded = deduplicate(papers, self.decisions)
        records: list[FoldedRecord] = []
        replaced = {*diff.gone, *diff.moved}
        for (_, number), record in zip(read, folded_records(papers, folded), strict=True):
            if number is None or record != before[number]:
                records.append(record)
                replaced |= set() if number is None else {number}
        records += [record for number, record in diff.moved.items() if number not in before]
        progress("Folding", 1, 1)
        return _Folded({p.paper_id: p for p in folded.kept}, records, frozenset(replaced)), before

    def _neighbourhood(self, keys: Iterable[int], numbers: Iterable[int]) -> dict[int, FoldedRecord]:
        """Return the records that share a key with those of `keys` and `numbers`, directly or through others.

        Clusters are whole, and `_MOST_REFOLDED` stops the search.
        """
        found: dict[int, FoldedRecord] = {}
        todo = self.catalog.record_numbers(sorted(keys)) | set(numbers)
        while todo:
            fresh = self.catalog.records_in("number", sorted(todo))
            kept = sorted({record.kept_id for record in fresh.values()})
            fresh |= self.catalog.records_in("kept_id", kept)
            fresh = {number: record for number, record in fresh.items() if number not in found}
            found |= fresh
            if len(found) > _MOST_REFOLDED:
                break
            more = {key for record in fresh.values() for key in record.keys}
            partners = self._partners(record.paper.paper_id for record in fresh.values())
            todo = self.catalog.record_numbers(sorted(more)) - found.keys()
            todo |= self.catalog.records_in("paper_id", partners).keys() - found.keys()
        return found

    def _partners(self, paper_ids: Iterable[str]) -> list[str]:
        """Return the papers that are joined by hand with one of these."""
        if not self.decisions.joined:
            return []
        ids = set(paper_ids)
        return sorted(set().union(*(pair for pair in self.decisions.joined if pair & ids)) - ids)


def _with_moved_sources(catalog: Catalog, diff: _Diff, done: set[str]) -> dict[str, Paper]:
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
