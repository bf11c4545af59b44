"""Cut, join and store KV states of llama.cpp, so that a state which many chats share is stored once.

A state has tokens and, for each layer and token, a row of keys and a row of values. llama.cpp writes and
reads whole states only. `SlotState.part` takes the rows of an abstract out, `write_joined` appends them to a
prefix again. The layout is version 4 of llama.cpp's `llama_state_seq_save_file`, with flash attention.

`PromptCache` stores the states of abstracts in the index folder, because they contain the abstracts' tokens.
A key is hexadecimal and has three parts: the model, everything before the abstract, the abstract.
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
# The server packs tokens as: mark, version of the packing, number of tokens, tokens, number of other media.
_PACKED_MARK, _PACKED_VERSION = 0xFFFFFFFF, 1
_PACKED_BEFORE, _PACKED_AFTER = 3, 1
_HEAD = struct.Struct("<4s2I")
_COUNTS = struct.Struct("<2I")
_CELL_WORDS = 3  # a cell: position, number of its sequences (1), sequence
_LAYOUT = struct.Struct("<4I")  # after the cells: values transposed (0), layers, 0, 0
_LAYER = struct.Struct("<iQ")


class StateError(ValueError):
    """The file is not a state, or its layout is unknown."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """The KV state of the tokens from position `start` on.

    `tokens` has shape (n,). `types` and `rows`, (n, bytes) each, list keys of all layers, then values.
    """

    start: int
    tokens: NDArray[np.uint32]
    types: tuple[int, ...]
    rows: tuple[NDArray[np.uint8], ...]

    @property
    def end(self) -> int:
        """The position after the last token."""
        return self.start + len(self.tokens)

    def common(self, other: SlotState) -> int:
        """Count the equal tokens at the start of both."""
        length = min(len(self.tokens), len(other.tokens))
        differ = np.flatnonzero(self.tokens[:length] != other.tokens[:length])
        return int(differ[0]) if len(differ) else length

    def part(self, start: int, end: int) -> SlotState:
        """Return the state between two positions; unless `start` is 0 it needs the part before it."""
        span = slice(start - self.start, end - self.start)
        return SlotState(start, self.tokens[span], self.types, tuple(rows[span] for rows in self.rows))

    @classmethod
    def read(cls, path: Path) -> SlotState:
        """Map a file into memory; raise StateError for an unknown layout, OSError if unreadable."""
        try:
            return _parse(np.memmap(path, dtype=np.uint8, mode="r"))
        except (struct.error, ValueError) as error:
            raise StateError(f"{path} is no state of the known layout: {error}") from error


def write_joined(path: Path, parts: Sequence[SlotState]) -> None:
    """Write consecutive parts as one state; raise StateError if they are not consecutive, or OSError."""
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
    """Return the first position and the order of the cells, None if they are sorted."""
    positions = cells[:, 0].astype(np.int64)
    order = positions.argsort(kind="stable")
    start = int(positions[order[0]]) if len(order) else 0
    run = np.arange(start, start + len(order))
    if (cells[:, 1] != 1).any() or (positions[order] != run).any():
        raise ValueError("its cells are no single run of tokens")
    return start, None if (positions == run).all() else order


PROMPT_CACHE = "readings"  # the folder name in an index
_SUFFIX = ".reading"


class PromptCache:
    """A folder of KV states of abstracts within a budget; the least recently used are evicted."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Name the folder; the first `put` creates it."""
        self._folder = folder
        self._max_bytes = max_bytes

    def get(self, name: str, key: str) -> SlotState | None:
        """Return the state `key` of the paper `name`, None if absent or broken."""
        file = self._file(name, key)
        try:
            state = SlotState.read(file)
        except (OSError, StateError):
            return None
        with suppress(OSError):  # another user may own the file, or it was just deleted
            os.utime(file)
        return state

    def has(self, name: str, key: str) -> bool:
        """Return whether the file of a state exists."""
        return self._file(name, key).exists()

    def full(self, model: str) -> bool:
        """Return whether one more state of the model with this key prefix would evict another of its own."""
        sizes = [size for _, size, file in _cached_files(self._folder) if _key(file).startswith(model)]
        return sum(sizes) + max(sizes, default=1) > self._max_bytes

    def evict_except(self, model: str, setup: str) -> None:
        """Delete the states of `model` that were computed with another setup, because nobody can use them."""
        for _, _, file in _cached_files(self._folder):
            if _key(file).startswith(model) and not _key(file).startswith(model + setup):
                with suppress(OSError):
                    file.unlink()

    def put(self, name: str, key: str, state: SlotState) -> None:
        """Store a state, if the disk has room."""
        file = self._file(name, key)
        part = file.with_suffix(f".{uuid.uuid4().hex}.part")
        try:
            self._folder.mkdir(exist_ok=True)  # without parents: the index may have been deleted
            write_joined(part, [state])
            part.replace(file)
            room = self._max_bytes
            for _, size, other in sorted(_cached_files(self._folder), reverse=True):
                room -= size
                if room < 0:
                    other.unlink(missing_ok=True)
        except OSError:
            pass
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _file(self, name: str, key: str) -> Path:
        return self._folder / f"{name}-{key}{_SUFFIX}"


def count_cached(folder: Path) -> tuple[int, int]:
    """Return the number of papers with cached states in `folder`, and the total size in bytes."""
    files = list(_cached_files(folder))
    return len({_paper(file) for _, _, file in files}), sum(size for _, size, _ in files)


def prune(folder: Path, names: Collection[str]) -> None:
    """Delete the states of all papers except `names`, and temporary files."""
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.suffix != _SUFFIX or _paper(file) not in names:
            with suppress(OSError):
                file.unlink()


def forget(folder: Path, names: Collection[str]) -> None:
    """Delete the states of the papers `names`."""
    for name in names:
        for file in folder.glob(f"{name}-*{_SUFFIX}"):
            with suppress(OSError):
                file.unlink()


def _paper(file: Path) -> str:
    return file.name.rpartition("-")[0]


def _key(file: Path) -> str:
    return file.stem.rpartition("-")[2]


def _cached_files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield time of last use, size and path of each state."""
    for file in folder.glob(f"*{_SUFFIX}"):
        with suppress(FileNotFoundError):  # another process evicts too
            stat = file.stat()
            yield stat.st_mtime, stat.st_size, file
