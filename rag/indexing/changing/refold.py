"""Which records of an index a change touches, and how they are folded again.

A new or vanished record can change the folds of the records that share a blocking key with it, and so on;
this neighbourhood is folded again, and the rest is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.indexing.changing.file_changes import FileChange
from rag.indexing.decisions import Decisions
from rag.indexing.dedup.folding import deduplicate
from rag.indexing.folded import folded_records, record_keys
from rag.schema import Paper, Progress, Source
from rag.store.catalog import Catalog
from rag.store.records import FoldedRecord

# Records that are folded again together; higher follows longer chains of records that share a key.
_MOST_REFOLDED = 5000


@dataclass(frozen=True)
class Diff:
    """The records of changed files: `gone` and `moved` (to a position) by row number, and new papers."""

    gone: Mapping[int, FoldedRecord]
    moved: Mapping[int, FoldedRecord]
    new: Sequence[Paper]


def diff(catalog: Catalog, changes: Sequence[FileChange], gone_ids: Sequence[str]) -> Diff:
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
    return Diff(gone | old, moved, new)


def _content(paper: Paper) -> Paper:
    return replace(paper, sources=(Source(paper.sources[0].file, 0),))


@dataclass(frozen=True)
class Folded:
    """The neighbourhood after folding: its papers, the records to write, and the row numbers they replace."""

    papers: Mapping[str, Paper]
    records: Sequence[FoldedRecord]
    replaced: frozenset[int]


@dataclass(frozen=True)
class Fold:
    """Folds a part of a library again."""

    catalog: Catalog
    decisions: Decisions

    def again(
        self, diff: Diff, refold: Sequence[str], progress: Progress
    ) -> tuple[Folded, Mapping[int, FoldedRecord]]:
        """Fold the neighbourhood of what is new, gone or to `refold`; return it, and its records before."""
        progress("Folding", 0, 1)
        new_keys = [record_keys(paper) for paper in diff.new]
        keys = {key for own in new_keys for key in own}
        keys |= {key for record in diff.gone.values() for key in record.keys}
        named = [*refold, *self._partners(paper.paper_id for paper in diff.new)]
        before = self._neighbourhood(keys, {*diff.gone, *self.catalog.records_in("paper_id", named)})
        stay = {n: diff.moved.get(n, record) for n, record in before.items() if n not in diff.gone}
        new = zip(diff.new, new_keys, strict=True)
        read: list[tuple[Paper, tuple[int, ...], int | None]] = [
            *((record.paper, record.keys, number) for number, record in stay.items()),
            *((paper, own, None) for paper, own in new),
        ]
        read.sort(key=lambda row: (row[0].sources[0].file, row[0].sources[0].position))  # as a build does
        papers = [paper for paper, _, _ in read]
        folded = deduplicate(papers, self.decisions)
        rows = folded_records(papers, folded, [own for _, own, _ in read])
        records: list[FoldedRecord] = []
        replaced = {*diff.gone, *diff.moved}
        for (_, _, number), record in zip(read, rows, strict=True):
            if number is None or record != before[number]:
                records.append(record)
                replaced |= set() if number is None else {number}
        records += [record for number, record in diff.moved.items() if number not in before]
        progress("Folding", 1, 1)
        return Folded({p.paper_id: p for p in folded.kept}, records, frozenset(replaced)), before

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
