"""Records in a JSONL file, each on disk as soon as it is made, so that a stopped run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.errors import LibraryIndexError


def read_kept(path: Path, fields: set[str]) -> list[dict[str, Any]]:
    """Return the records of a file that have these fields, in order; none where there is no file.

    A line that was cut short costs itself only. Raises LibraryIndexError when the file cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n") if path.exists() else []
    except OSError as error:
        raise LibraryIndexError(
            f"{path} cannot be read ({error.strerror}); remove it, or give another place with RAG_CACHE."
        ) from error
    records = map(_record, lines)
    return [record for record in records if isinstance(record, dict) and fields <= record.keys()]


def keep(path: Path, record: Mapping[str, Any]) -> None:
    """Add a record; it is on disk when this returns.

    Raises LibraryIndexError when it cannot be written.
    """
    line = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"\n" + line)  # a newline first, so that a line that was cut short costs itself only
    except OSError as error:
        raise LibraryIndexError(
            f"The answer cannot be kept in {path} ({error.strerror}); free some space, or give another place "
            "with RAG_CACHE."
        ) from error


def _record(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:  # a character that was cut in two included
        return None
