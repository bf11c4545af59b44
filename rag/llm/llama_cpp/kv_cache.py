"""The file in which llama.cpp keeps what a slot has read, cut and joined, so that what many chats share is stored once.

A state is a list of tokens and, for each layer, a row of keys and a row of values a token (28 kB in all for the default
model). llama.cpp writes and reads whole states only: one of instructions and an abstract is 42 MB, of which 7 MB are the
abstract's. `part` takes those out, `write_joined` puts them behind the instructions again. The layout is that of
llama.cpp's `llama_state_seq_save_file`, version 4, of a cache that holds one row a token, as flash attention has it.

What the embedded model has read of abstracts, kept in files beside the index.

Reading is the wait: 250 tokens take 4 s on 2 cores, and every question about an abstract would have them read again. The
model's state after an abstract (`rag.llm.llama_cpp.kv_cache`, some 7 MB) is read back in milliseconds. A file holds the abstract's
tokens, so it lies with the index, is gone with it, and `forget` deletes those of papers that are no longer there.

A key is hexadecimal: first what names the model, then what names all that stands before an abstract and how it is read, then
the abstract's own.
"""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MAGIC, _VERSION = b"qsgg", 4
# The server packs its tokens: a mark, the packing's version, how many, the tokens, how many pieces of other media.
_PACKED_MARK, _PACKED_VERSION = 0xFFFFFFFF, 1
_PACKED_BEFORE, _PACKED_AFTER = 3, 1
_HEAD = struct.Struct("<4s2I")
_COUNTS = struct.Struct("<2I")
# A cell: its position, in how many sequences it is, and which.
_CELL_WORDS = 3
# Behind the cells: whether values are transposed, how many layers, and two numbers that are 0.
_LAYOUT = struct.Struct("<4I")
_LAYER = struct.Struct("<iQ")


class StateError(ValueError):
    """The file is no state, or one of a layout that is not known."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """What a slot has read from token `start` on: `tokens` (n,), and of each layer a number type and `rows` (n, bytes).

    The rows of keys come first, then those of values.
    """

    start: int
    tokens: NDArray[np.uint32]
    types: tuple[int, ...]
    rows: tuple[NDArray[np.uint8], ...]

    @property
    def end(self) -> int:
        """The position behind the last token."""
        return self.start + len(self.tokens)

    def common(self, other: SlotState) -> int:
        """Return how many tokens both begin with alike."""
        length = min(len(self.tokens), len(other.tokens))
        differ = np.flatnonzero(self.tokens[:length] != other.tokens[:length])
        return int(differ[0]) if len(differ) else length

    def part(self, start: int, end: int) -> SlotState:
        """Return what stands between two positions; from elsewhere than 0 on it is no use but behind what stood before."""
        span = slice(start - self.start, end - self.start)
        return SlotState(start, self.tokens[span], self.types, tuple(rows[span] for rows in self.rows))

    @classmethod
    def read(cls, path: Path) -> SlotState:
        """Read a file of llama.cpp's or of `write_joined`; the rows stay on disk until they are used.

        Raises StateError where it is of no layout known here, OSError where it cannot be read.
        """
        try:
            return _parse(np.memmap(path, dtype=np.uint8, mode="r"))
        except (struct.error, ValueError) as error:
            raise StateError(f"{path} is no state of the known layout: {error}") from error


def write_joined(path: Path, parts: Sequence[SlotState]) -> None:
    """Write the state of parts of one model that go on where the one before ends.

    Raises StateError where they do not, OSError where it cannot be written.
    """
    first = parts[0]
    if any(one.end != next_.start or one.types != next_.types for one, next_ in pairwise(parts)):
        raise StateError(f"the parts of {path} do not follow each other")
    tokens = np.concatenate([part.tokens for part in parts])
    packed = np.asarray([_PACKED_MARK, _PACKED_VERSION, len(tokens), *tokens.tolist(), 0], dtype="<u4")
    cells = np.zeros((len(tokens), _CELL_WORDS), dtype="<u4")
    cells[:, 0], cells[:, 1] = np.arange(first.start, first.start + len(tokens)), 1
    with path.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, _VERSION, len(packed)) + packed.tobytes())
        file.write(_COUNTS.pack(1, len(tokens)) + cells.tobytes())
        file.write(_LAYOUT.pack(0, len(first.types) // 2, 0, 0))
        for layer, kind in enumerate(first.types):
            file.write(_LAYER.pack(kind, first.rows[layer].shape[1]))
            for part in parts:
                file.write(np.ascontiguousarray(part.rows[layer]).data)


def _parse(raw: NDArray[np.uint8]) -> SlotState:
    magic, version, words = _HEAD.unpack_from(raw.data)
    if (magic, version) != (_MAGIC, _VERSION):
        raise ValueError(f"it begins with {magic!r}, version {version}")
    at = _HEAD.size + 4 * words
    packed = raw[_HEAD.size : at].view("<u4")
    mark, packing, count = packed[:_PACKED_BEFORE].tolist()
    if (mark, packing, count) != (_PACKED_MARK, _PACKED_VERSION, words - _PACKED_BEFORE - _PACKED_AFTER):
        raise ValueError("its tokens are packed in another way")
    streams, cells = _COUNTS.unpack_from(raw.data, at)
    at += _COUNTS.size
    table = raw[at : at + 4 * _CELL_WORDS * cells].view("<u4").reshape(cells, _CELL_WORDS)
    at += 4 * _CELL_WORDS * cells
    transposed, layers, *zeros = _LAYOUT.unpack_from(raw.data, at)
    at += _LAYOUT.size
    if streams != 1 or cells != count or transposed or any(zeros):
        raise ValueError("its rows lie in another way")
    start, order = _order(table)
    types, rows = [], []
    for _ in range(2 * layers):
        kind, width = _LAYER.unpack_from(raw.data, at)
        at += _LAYER.size
        found = raw[at : at + cells * width].reshape(cells, width)
        types.append(kind)
        rows.append(found if order is None else found[order])
        at += cells * width
    if at != len(raw):
        raise ValueError("it is of another length")
    tokens = packed[_PACKED_BEFORE : _PACKED_BEFORE + count].copy()
    return SlotState(start, tokens, tuple(types), tuple(rows))


def _order(cells: NDArray[np.uint32]) -> tuple[int, NDArray[np.intp] | None]:
    """Return the first position, and the order of the cells by position, None where they lie in it."""
    positions = cells[:, 0].astype(np.int64)
    order = positions.argsort(kind="stable")
    start = int(positions[order[0]]) if len(order) else 0
    run = np.arange(start, start + len(order))
    if (cells[:, 1] != 1).any() or (positions[order] != run).any():
        raise ValueError("its cells are no single run of tokens")
    return start, None if (positions == run).all() else order


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
