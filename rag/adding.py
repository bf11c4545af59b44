"""Add papers to a library that is in use: an index is begun where there is none, and it can be stopped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

from rag.embedding.base import Embedder
from rag.errors import IndexMissingError, UserError
from rag.indexing.decisions import load_decisions, save_decisions
from rag.library import add_paths, index_paths, refold
from rag.schema import Drop, Paper, Problem, Progress
from rag.settings import Settings
from rag.store.catalog import Catalog
from rag.store.manifest import Manifest
from rag.store.records import InputFile


@dataclass(frozen=True, slots=True)
class AddReport:
    """What adding did: new papers, records folded into papers that were there or are new, what was not read.

    `folded` has each record with the paper it belongs to now.
    """

    added: tuple[Paper, ...] = ()
    folded: tuple[tuple[Drop, Paper], ...] = ()
    problems: tuple[Problem, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        folded = [drop.to_dict() | {"kept": kept.to_dict()} for drop, kept in self.folded]
        return {
            "added": [paper.to_dict() for paper in self.added],
            "folded": folded,
            "problems": [problem.to_dict() for problem in self.problems],
        }


def add_papers(
    paths: Sequence[Path],
    settings: Settings,
    embedder: Embedder | None = None,
    progress: Progress = lambda stage, done, total: None,
    stop: Event | None = None,
) -> AddReport:
    """Add the abstracts in files and folders; batches that are finished stay where it is stopped.

    Raises:
        UserError: `stop` was set, or a path does not exist or holds no abstract.
        IndexMismatchError, IndexBusyError, LibraryIndexError, ModelError: as `rag.library.add_paths`.
    """

    def heard(stage: str, done: int, total: int) -> None:
        if stop is not None and stop.is_set():
            raise UserError("Adding was stopped; what was finished before stays, and adding again goes on.")
        progress(stage, done, total)

    options: dict[str, Any] = {"embedder": embedder, "progress": heard}
    options |= {name: getattr(settings, name) for name in settings.model_fields_set - {"index"}}
    before = _inputs(settings.index)
    added: Sequence[Paper]
    problems: Sequence[Problem]
    if before is None:
        build = index_paths(paths, settings.index, **options)
        added, problems = build.folded.kept, build.problems
    else:
        reports = add_paths(paths, settings.index, **options)
        added = [paper for report in reports for paper in report.added]
        problems = [problem for report in reports for problem in report.problems]
    folded = _folded_since(settings.index, before or {})
    known = {drop.paper.paper_id for drop, _ in folded}
    return AddReport(tuple(p for p in added if p.paper_id not in known), folded, tuple(problems))


def decide(
    first: str, second: str, settings: Settings, embedder: Embedder | None = None, *, one_work: bool
) -> None:
    """Make two records, named by their ids, one work or two, for good: indexing again keeps to it.

    Raises:
        UserError: both ids name the same text.
        IndexMissingError, IndexMismatchError, IndexBusyError, LibraryIndexError: as `rag.library.refold`.
    """
    if first == second:
        raise UserError("Both ids name the same text, which is one work.")
    before = load_decisions(settings.index)
    save_decisions(settings.index, (before.join if one_work else before.keep_apart)(first, second))
    named = {name: getattr(settings, name) for name in settings.model_fields_set - {"index"}}
    refold([first, second], settings.index, embedder=embedder, **named)


def _catalog(index: Path) -> Catalog:
    return Catalog(index / Manifest.read(index).generation / "catalog.sqlite")


def _inputs(index: Path) -> dict[str, InputFile] | None:
    """Return the files that an index was read from, None if there is no index."""
    try:
        with closing(_catalog(index)) as catalog:
            return catalog.inputs()
    except IndexMissingError:
        return None


def _folded_since(index: Path, before: dict[str, InputFile]) -> tuple[tuple[Drop, Paper], ...]:
    """Return the records of new or changed files that are no new works, each with its paper.

    Where a new text is the better one, the paper is made from it, and the text that was there is folded into
    it; then too the new record is told to be folded.
    """
    with closing(_catalog(index)) as catalog:
        files = {name for name, stamp in catalog.inputs().items() if before.get(name) != stamp}
        new = list(catalog.records_in("file", sorted(files)).values())
        ids = sorted({record.kept_id for record in new})
        older = {
            record.kept_id: record.drop
            for record in catalog.records_in("kept_id", ids).values()
            if record.drop is not None and record.source.file not in files
        }
        kept = catalog.papers_by_id(ids)
    found = [(record.drop or _instead(record.paper, older.get(record.kept_id))) for record in new]
    return tuple((drop, kept[drop.kept_id]) for drop in found if drop is not None and drop.kept_id in kept)


def _instead(paper: Paper, older: Drop | None) -> Drop | None:
    """Return a record that took the place of an older text as folded with it; None if it replaced none."""
    return None if older is None else replace(older, paper=paper)
