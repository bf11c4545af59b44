"""Find the files of a corpus, name them, and explain which files are skipped."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from rag.errors import CorpusError
from rag.schema import Problem

# Source code and settings, which are text and no abstracts.
_CODE = frozenset(
    ".bat .c .cfg .cls .conf .cpp .cs .css .csl .go .h .hpp .ini .ipynb .java .jl .js .kt .lock .log .lua "
    ".m .make .php .pl .ps1 .py .r .rb .rs .scala .sh .sql .sty .swift .toml .ts .tsx .vue .yaml .yml".split()
)
# Documentation and checksums, by whole name: license_plate_recognition.jsonl is a corpus file.
_NOT_CORPUS = re.compile(
    r"(?:readme|licen[cs]e|notice)(?:[._-](?:en|zh|cn)(?:[_-](?:cn|tw|hans|hant|us|gb))?|-(?:apache|mit|bsd))?"
    r"(?:\.(?:md|txt|rst|html?))?|(?:checksums?|(?:md5|sha\d{1,3})sums?)(?:\.txt)?|.+\.(?:md5|sha\d{1,3}|asc|sig)",
    re.IGNORECASE,
)
_SHOWN_PATH = 120  # characters of a path in a message


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file to read: its path, its name in citations, and its lower-case suffix without ".gz"."""

    path: Path
    name: str
    kind: str


def corpus_files(path: Path, name_from: Path | None = None) -> list[CorpusFile | Problem]:
    """Return the files at `path`, a file or a folder with its subfolders, sorted by name.

    Names are relative to `name_from`, by default the folder `path` or the folder that contains it. An unknown
    format, an unreadable folder and a link to a folder become a Problem. Raises CorpusError if `path` itself
    cannot be read.
    """
    is_folder = _is_folder(path)
    base = name_from or (path if is_folder else path.parent)
    found = _walk(path) if is_folder else iter([(path, None)])
    items = [_item(file, base, reason) for file, reason in found]
    return sorted(items, key=lambda item: item.file if isinstance(item, Problem) else item.name)


def shown(path: Path) -> str:
    """Return a path for messages: quoted, printable, and shortened if very long."""
    text = str(path)
    return repr(text if len(text) <= _SHOWN_PATH else f"{text[:_SHOWN_PATH]}…")


def printable(path: Path | str) -> str:
    """Return a path as valid text; bytes that are not UTF-8 are escaped, so names stay different."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _is_folder(path: Path) -> bool:
    """Return whether `path` is a folder and not a file; raise CorpusError if it is neither."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise CorpusError(f"There is no file or folder {shown(path)}: check the path.") from error
    except OSError as error:
        raise CorpusError(
            f"{shown(path)} cannot be opened ({error.strerror}): check the path and its permissions."
        ) from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise CorpusError(f"{shown(path)} is neither a file nor a folder: save the abstracts to a file.")
    return stat.S_ISDIR(mode)


def _walk(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield every file below a folder, and every skipped folder with a reason; omit hidden ones."""
    failed: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=failed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        yield from ((Path(here, name), "a link to a folder; name that folder itself") for name in links)
        corpus = (name for name in files if not name.startswith(".") and not _NOT_CORPUS.fullmatch(name))
        yield from ((Path(here, name), None) for name in corpus)
    for error in failed:
        if Path(error.filename) == folder:
            raise CorpusError(
                f"The folder {shown(folder)} cannot be listed ({error.strerror}): change its permissions."
            )
        yield Path(error.filename), f"this folder cannot be listed: {error.strerror}"


def _item(file: Path, base: Path, reason: str | None) -> CorpusFile | Problem:
    name, kind = printable(PurePath(os.path.relpath(file, base)).as_posix()), _kind(file)
    if not reason and kind in _CODE:
        reason = f"a {kind} file, which is code or settings; save abstracts in it as plain text"
    elif not reason and _is_special(file):
        reason = "not a regular file; save the abstracts to one"
    return Problem(name, None, reason) if reason else CorpusFile(file, name, kind)


def _is_special(file: Path) -> bool:
    """Return whether `file` is a pipe, socket or device, which could block forever."""
    try:
        return not stat.S_ISREG(file.stat().st_mode)
    except OSError:  # reading it will report the error
        return False


def _kind(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return printable(suffixes[-1]) if suffixes else ""
