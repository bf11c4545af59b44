"""What the embedded model has read of abstracts, kept in files beside the index.

Reading is the wait: 250 tokens take 4 s on 2 cores, and every question about an abstract would have them read again. The
model's state after an abstract (`rag.llama_state`, some 7 MB) is read back in milliseconds. A file holds the abstract's
tokens, so it lies with the index, is gone with it, and `forget` deletes those of papers that are no longer there.

A key is hexadecimal: first what names the model, then what names all that stands before an abstract and how it is read, then
the abstract's own.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from rag.llama_state import SlotState, StateError, write_joined

# Their folder in that of the index.
READINGS = "readings"
_SUFFIX = ".reading"


class Readings:
    """A folder of readings within a budget; those not used for longest make room for new ones."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Name the folder, which is made when the first reading is kept."""
        self._folder = folder
        self._most_bytes = most_bytes

    def get(self, name: str, key: str) -> SlotState | None:
        """Return the reading `key` of the paper `name`, None where there is none that can be used."""
        file = self._file(name, key)
        try:
            found = SlotState.read(file)
        except (OSError, StateError):
            return None
        with suppress(OSError):  # it may be another user's, and be gone by now
            os.utime(file)
        return found

    def has(self, name: str, key: str) -> bool:
        """Return whether there is such a reading."""
        return self._file(name, key).exists()

    def full(self, model: str) -> bool:
        """Return whether one more of the `model` that a key begins with may take the place of another of its own."""
        sizes = [size for _, size, file in _readings_in(self._folder) if _key(file).startswith(model)]
        return sum(sizes) + max(sizes, default=1) > self._most_bytes

    def keep_only(self, model: str, how: str) -> None:
        """Delete the readings of the `model` that keys begin with but do not go on as `how`: they are never asked for again."""
        for _, _, file in _readings_in(self._folder):
            if _key(file).startswith(model) and not _key(file).startswith(model + how):
                with suppress(OSError):
                    file.unlink()

    def put(self, name: str, key: str, reading: SlotState) -> None:
        """Keep a reading; without room on the disk it is made anew next time."""
        file = self._file(name, key)
        part = file.with_suffix(f".{uuid.uuid4().hex}.part")
        try:
            self._folder.mkdir(exist_ok=True)  # but not where the index is gone
            write_joined(part, [reading])
            part.replace(file)
            self._prune()
        except OSError:
            pass
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _prune(self) -> None:
        room = self._most_bytes
        for _, size, file in sorted(_readings_in(self._folder), reverse=True):
            room -= size
            if room < 0:
                file.unlink(missing_ok=True)

    def _file(self, name: str, key: str) -> Path:
        return self._folder / f"{name}-{key}{_SUFFIX}"


def count_readings(folder: Path) -> tuple[int, int]:
    """Return of how many papers `folder` holds readings, and their bytes."""
    files = list(_readings_in(folder))
    return len({_paper(file) for _, _, file in files}), sum(size for _, size, _ in files)


def _paper(file: Path) -> str:
    return file.name.rpartition("-")[0]


def _key(file: Path) -> str:
    return file.stem.rpartition("-")[2]


def _readings_in(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield when each file was last used, its size and path."""
    for file in folder.glob(f"*{_SUFFIX}"):
        try:
            stat = file.stat()
        except FileNotFoundError:  # another process has made room
            continue
        yield stat.st_mtime, stat.st_size, file


def forget(folder: Path, names: Collection[str]) -> None:
    """Delete the readings in `folder` of all papers but those with these names, and what a killed process left behind."""
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.suffix != _SUFFIX or _paper(file) not in names:
            with suppress(OSError):
                file.unlink()
