"""Add, remove and mirror files: find what changed, and change the index batch by batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from rag.embedding.base import Embedder
from rag.errors import CorpusError
from rag.indexing.changing.change import ChangeReport, change_index
from rag.indexing.changing.file_changes import FileChange, base_of, found_files, is_unchanged, read_change
from rag.indexing.files import CorpusFile, shown
from rag.indexing.readers import check_mapping
from rag.schema import Problem, Progress
from rag.store.index import current_catalog
from rag.store.manifest import Manifest
from rag.store.records import InputFile

# Records of a batch, which appears at once and is lost at most; a file is never split. Higher is faster.
_BATCH = 5000


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class Library:
    """An index that is changed: where it is, the embedder it was built with, and who is told of progress.

    `mapping` says where fields stand in files of another form; by default it is as when the index was built.

    Every method raises IndexMissingError, IndexMismatchError, IndexBusyError and LibraryIndexError as
    `rag.indexing.changing.change.change_index` does.
    """

    directory: Path
    load_embedder: Callable[[], Embedder]
    progress: Progress = field(default=silent)
    mapping: Mapping[str, str] | None = None

    def add(self, paths: Sequence[Path]) -> list[ChangeReport]:
        """Add the files in `paths`, or read them again if they have changed; return a report per batch.

        Raises:
            CorpusError: a path does not exist, or holds no file of a known kind.
        """
        known = self._inputs()
        files = list(found_files(paths, base_of(paths, known)))
        if not any(isinstance(file, CorpusFile) for file in files):
            raise CorpusError(f"{shown(paths[0])} holds no file to add; name files or folders of abstracts.")
        return self._change(self._read(files, known))

    def sync(self, path: Path) -> list[ChangeReport]:
        """Make the index hold what the folder or file `path` holds now: new, changed and deleted files.

        Files elsewhere are left alone. Returns a report per batch, none if nothing has changed.

        Raises:
            CorpusError: `path` does not exist, or is empty though the index holds files of it.
        """
        known = self._inputs()
        real = Path(os.path.realpath(path))
        files = list(found_files([path], base_of([path], known)))
        names = {file.file if isinstance(file, Problem) else file.name for file in files}
        gone = [
            name
            for name, stamp in known.items()
            if name not in names and Path(stamp.path).is_relative_to(real)
        ]
        if not any(isinstance(file, CorpusFile) for file in files):
            raise CorpusError(
                f"{shown(path)} holds no abstracts; if that is meant, take its files out with `rag remove`."
            )
        return self._change(chain(self._read(files, known), (FileChange(name, gone=True) for name in gone)))

    def remove(self, names: Sequence[str]) -> list[ChangeReport]:
        """Take out files or folders, by their names in citations, and papers, by their ids.

        Raises:
            CorpusError: nothing in the index has such a name; then nothing is removed.
        """
        files: set[str] = set()
        papers: set[str] = set()
        with closing(current_catalog(self.directory)) as catalog:
            for name in names:
                if found := catalog.source_names([name]):
                    files |= set(found)
                elif catalog.papers_by_id([name]):
                    papers.add(name)
                else:
                    raise CorpusError(
                        f"Nothing in the index comes from {name!r}, and no abstract has that id; name a file "
                        "as the citations do."
                    )
        changes = [FileChange(name, gone=True) for name in sorted(files)]
        gone = sorted(papers)
        return [change_index(self.directory, changes, self.load_embedder, gone=gone, progress=self.progress)]

    def refold(self, paper_ids: Sequence[str]) -> list[ChangeReport]:
        """Fold these papers and what they could be one with again."""
        return [
            change_index(self.directory, (), self.load_embedder, refold=paper_ids, progress=self.progress)
        ]

    def _inputs(self) -> dict[str, InputFile]:
        with closing(current_catalog(self.directory)) as catalog:
            return catalog.inputs()

    def _read(
        self, files: Sequence[CorpusFile | Problem], known: dict[str, InputFile]
    ) -> Iterator[FileChange]:
        """Yield what has changed since it was read; what could not be read then and now is no change."""
        check_mapping(self.mapping)
        mapping = Manifest.read(self.directory).mapping if self.mapping is None else self.mapping
        with closing(current_catalog(self.directory)) as catalog:
            problems = set(catalog.problems())
        for done, file in enumerate(files):
            self.progress("Reading", done, len(files))
            if isinstance(file, CorpusFile):
                if file.name not in known or not is_unchanged(file, known[file.name]):
                    yield read_change(file, mapping)
            elif file not in problems:
                yield read_change(file, mapping)
        self.progress("Reading", len(files), len(files))

    def _change(self, changes: Iterable[FileChange]) -> list[ChangeReport]:
        reports: list[ChangeReport] = []
        batch: list[FileChange] = []
        for change in changes:
            batch.append(change)
            if sum(len(change.papers) for change in batch) >= _BATCH:
                reports.append(self._apply(batch))
                batch = []
        return [*reports, self._apply(batch)] if batch else reports

    def _apply(self, batch: Sequence[FileChange]) -> ChangeReport:
        return change_index(self.directory, batch, self.load_embedder, progress=self.progress)
