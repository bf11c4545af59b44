"""What a catalogue keeps of the input: every record as it was read, and every file that was read.

Folding needs the records as they were read, so that a later change can fold again what it touches. The
files' stamps tell `rag sync` what has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rag.schema import Drop, DropReason, Paper, Problem, Source

RECORD_COLUMNS = "number, kept_id, reason, score, keys, record"
"""The columns of the table `records` that `record_of` takes, in its order."""


@dataclass(frozen=True, slots=True)
class FoldedRecord:
    """One record as it was read, with one source, and where folding put it.

    `kept_id` is the paper it belongs to. The record that the paper was made from has no `reason`. `keys` are
    64-bit blocking keys: records that may be one work share one (`rag.indexing.dedup.blocking`).
    """

    paper: Paper
    kept_id: str
    reason: DropReason | None = None
    score: float = 1.0
    keys: tuple[int, ...] = ()

    @property
    def source(self) -> Source:
        """Return where the record was read."""
        return self.paper.sources[0]

    @property
    def drop(self) -> Drop | None:
        """Return the record as a dropped duplicate; None if the paper was made from it."""
        return None if self.reason is None else Drop(self.paper, self.kept_id, self.reason, self.score)

    def moved(self, position: int) -> FoldedRecord:
        """Return the record at another position of its file."""
        source = Source(self.source.file, position)
        return replace(self, paper=replace(self.paper, sources=(source,)))


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was read: its name in citations, where it lies, its size in bytes, time and digest.

    The digest is SHA-256 of the bytes, in hexadecimal; `mtime_ns` is the time of the last change.
    """

    name: str
    path: str
    size: int
    mtime_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was read: the records, the files, and what could not be read."""

    records: tuple[FoldedRecord, ...] = ()
    files: tuple[InputFile, ...] = ()
    problems: tuple[Problem, ...] = ()


def paper_of(record: Mapping[str, Any]) -> Paper:
    """Return the paper of `Paper.to_dict`; fields that an older version lacked keep their defaults."""
    lists = {name: tuple(record.get(name, ())) for name in ("authors", "keywords")}
    sources = tuple(Source(**source) for source in record["sources"])
    return Paper(**{**record, **lists, "sources": sources})


def record_of(row: Sequence[Any]) -> FoldedRecord:
    """Return the record of a row of `RECORD_COLUMNS`."""
    _, kept_id, reason, score, keys, record = row
    numbers = tuple(np.frombuffer(keys, dtype="<i8").tolist())
    return FoldedRecord(paper_of(json.loads(record)), kept_id, reason, score, numbers)
