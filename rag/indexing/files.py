"""Find the files of a corpus: which are read, what each is called, and why the others are not."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from rag.errors import CorpusError
from rag.schema import Problem

TEXT_KINDS = frozenset({"", ".txt", ".text", ".md"})
LINE_KINDS = frozenset({".jsonl", ".ndjson"})
XML_KINDS = frozenset({".xml"})
_KINDS = TEXT_KINDS | LINE_KINDS | XML_KINDS
# What lies beside a corpus. Whole names only: license_plate_recognition.jsonl and noticeable.txt are corpora.
_BESIDE = re.compile(
    r"(?:readme|licen[cs]e|notice)(?:[._-](?:en|zh|cn)(?:[_-](?:cn|tw|hans|hant|us|gb))?|-(?:apache|mit|bsd))?"
    r"(?:\.(?:md|txt|rst|html?))?|(?:checksums?|(?:md5|sha\d{1,3})sums?)(?:\.txt)?|.+\.(?:md5|sha\d{1,3}|asc|sig)",
    re.IGNORECASE,
)
_SHOWN_PATH = 120  # characters of a path in a message; a mistyped one can be thousands long


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file to read: where it is, the name it goes by, and its suffix in lower case without ".gz"."""

    path: Path
    name: str
    kind: str


def corpus_files(path: Path, name_from: Path | None = None) -> list[CorpusFile | Problem]:
    """Return the files at `path`, itself a file or a folder with all below it, in the order of their names.

    Names are relative to `name_from`, by default to the folder that `path` is or that holds it. A file of
    another format, a folder that cannot be listed and a link to a folder become a Problem. Raises
    CorpusError when nothing at all is to be seen at `path`.
    """
    is_folder = _is_folder(path)
    base = name_from or (path if is_folder else path.parent)
    found = _walk(path) if is_folder else iter([(path, None)])
    items = [_item(file, _name(file, base), reason) for file, reason in found]
    return sorted(items, key=lambda item: item.file if isinstance(item, Problem) else item.name)


def shown(path: Path) -> str:
    """Return a path as it may stand in a message: in quotes, printable, and cut when it is very long."""
    text = str(path)
    return repr(text if len(text) <= _SHOWN_PATH else f"{text[:_SHOWN_PATH]}…")


def _is_folder(path: Path) -> bool:
    """Say whether `path` is a folder or a file; raises CorpusError when it is neither or cannot be seen."""
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
    """Yield every file below a folder, and with a reason every folder not entered; hidden ones are left out."""
    failed: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=failed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        yield from ((Path(here, name), "a link to a folder; name that folder itself") for name in links)
        yield from (
            (Path(here, name), None)
            for name in files
            if not name.startswith(".") and not _BESIDE.fullmatch(name)
        )
    for error in failed:
        if Path(error.filename) == folder:
            raise CorpusError(
                f"The folder {shown(folder)} cannot be listed ({error.strerror}): change its permissions."
            )
        yield Path(error.filename), f"this folder cannot be listed: {error.strerror}"


def _item(file: Path, name: str, reason: str | None) -> CorpusFile | Problem:
    kind = _kind(file)
    if not reason and kind not in _KINDS:
        reason = f"{kind} files are not read; convert it to plain text, JSONL or EndNote XML"
    elif not reason and _is_special(file):
        reason = "not a regular file; save the abstracts to one"
    return Problem(name, None, reason) if reason else CorpusFile(file, name, kind)


def _is_special(file: Path) -> bool:
    """Say whether to open `file` could wait forever: a named pipe, a socket, a device."""
    try:
        return not stat.S_ISREG(file.stat().st_mode)
    except OSError:  # reading it will say why
        return False


def _kind(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return _printable(suffixes[-1]) if suffixes else ""


def _name(file: Path, base: Path) -> str:
    return _printable(PurePath(os.path.relpath(file, base)).as_posix())


def _printable(name: str) -> str:
    """Return a file name as text; bytes that are not UTF-8 are spelled out ("caf\\xe9"), so that names stay apart."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
