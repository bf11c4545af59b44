"""What a reader of one format yields: a record with its raw fields, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Any]
"""Fields as a file names them, or by the names of `rag.indexing.reading.fields`."""

#: Characters of one record with all its fields; more is a damaged file. See docs/decisions.md#record-sizes
MOST_RECORD = 1 << 22
_BLOCK = 1 << 16  # characters


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file and its 1-based position; a line number for formats with one record a line."""

    position: int
    fields: Fields


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that could not be read, and why; without a position the whole file."""

    position: int | None
    reason: str


Raw = Record | Unread


def blocks(lines: Iterable[str]) -> Iterator[str]:
    """Join lines to blocks, so that text that is held while a record goes on is not copied for each line."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _BLOCK:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)
