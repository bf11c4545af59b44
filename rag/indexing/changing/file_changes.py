"""Which files of a corpus are new, changed or gone, and what is in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.errors import CorpusError
from rag.indexing.files import CorpusFile, corpus_files, printable
from rag.indexing.readers import read_file
from rag.schema import Paper, Problem
from rag.store.records import InputFile

_BLOCK = 1 << 20  # bytes read at once


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a file holds now, and its stamp; or that it is gone, or why it could not be opened."""

    name: str
    stamp: InputFile | None = None
    papers: tuple[Paper, ...] = ()
    problems: tuple[Problem, ...] = ()
    gone: bool = False

    @property
    def replaces(self) -> bool:
        """Whether the earlier records of the file go; those of a file that cannot be opened now stay."""
        return self.gone or self.stamp is not None

    def stamp_after(self, known: Mapping[str, InputFile]) -> InputFile | None:
        """Return the stamp to keep of the file, where `known` has those before; None if none is kept.

        A file that cannot be opened now keeps a stamp that fits nothing, so that it is read again as soon as
        it can be, and missed once it is deleted.
        """
        old = known.get(self.name)
        return self.stamp if self.replaces or old is None else replace(old, mtime_ns=-1, digest="")


def read_change(file: CorpusFile | Problem, mapping: Mapping[str, str] | None = None) -> FileChange:
    """Read one file, or take over why it is not read; `mapping` is that of `read_papers`."""
    if isinstance(file, Problem):
        return FileChange(file.file, problems=(file,))
    stamp = _stamp(file)  # before reading: a change in between is noticed by the next `rag sync`
    items = list(read_file(file, mapping))
    papers = tuple(item for item in items if isinstance(item, Paper))
    problems = tuple(item for item in items if isinstance(item, Problem))
    return FileChange(file.name, stamp, papers, problems)


def is_unchanged(file: CorpusFile, known: InputFile) -> bool:
    """Return whether a file is as it was when it was read: by size and time, else by its digest."""
    try:
        state = file.path.stat()
    except OSError:
        return False
    if state.st_size != known.size:
        return False
    return state.st_mtime_ns == known.mtime_ns or _digest(file.path) == known.digest


def base_of(paths: Sequence[Path], known: Mapping[str, InputFile]) -> Path:
    """Return the folder that the names of the files in `paths` are relative to.

    A file that was read before keeps its name. The names of other files never equal that of a known file
    elsewhere: the folder above is taken until they differ.
    """
    real = [Path(os.path.realpath(path)) for path in paths]
    for stamp in known.values():
        path = Path(stamp.path)
        if any(path.is_relative_to(wanted) for wanted in real):
            base = path.parents[len(Path(stamp.name).parts) - 1]
            if all(wanted.is_relative_to(base) for wanted in real):
                return base
    one = real[0] if len(real) == 1 and real[0].is_dir() else None
    base = one or Path(os.path.commonpath([path.parent for path in real]))
    while base != base.parent and any(_collides(path, base, known) for path in real):
        base = base.parent
    return base


def _collides(path: Path, base: Path, known: Mapping[str, InputFile]) -> bool:
    files = corpus_files(path, base)
    return any(f.name in known for f in files if isinstance(f, CorpusFile))


def found_files(paths: Sequence[Path], base: Path) -> Iterator[CorpusFile | Problem]:
    """Yield the files of several paths, each once; a path that is wrong becomes a Problem if others are not.

    Raises:
        CorpusError: the only path, or one that does not exist, cannot be read.
    """
    seen: set[str] = set()
    for path in paths:
        try:
            files = corpus_files(Path(os.path.realpath(path)), base)
        except CorpusError as error:
            if len(paths) == 1 or not os.path.lexists(path):
                raise
            yield Problem(printable(path), None, str(error))
            continue
        for file in files:
            name = file.file if isinstance(file, Problem) else file.name
            if name not in seen:
                seen.add(name)
                yield file


def _stamp(file: CorpusFile) -> InputFile | None:
    try:
        state = file.path.stat()
        digest = _digest(file.path)
    except OSError:  # reading it says why
        return None
    path = printable(os.path.realpath(file.path))
    return InputFile(file.name, path, state.st_size, state.st_mtime_ns, digest)


def _digest(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()
