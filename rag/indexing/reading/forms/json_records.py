"""Read JSON and JSONL of any service: one object a line, or any document that holds a list of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rag.indexing.reading.fields import known_name
from rag.indexing.reading.forms.json_values import PAGES, Broken, values_in
from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread

_BEGINS = re.compile(r'[\ufeff\s]*(?:\{\s*["}]|\[\s*[\[{"\]])')
_DECODER = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,\ufeff\x1e]*")  # also the mark of RFC 7464 before each value
_FIRST_LINES = 10  # lines that tell whether each is a record
_TOO_LONG = f"longer than {MOST_RECORD:,} characters; split it into records"


def is_json(head: str) -> bool:
    """Return whether a file that begins with `head` is JSON."""
    return _BEGINS.match(head) is not None


def read_json(lines: Iterable[str], head: str) -> Iterator[Raw]:
    """Yield the records of a JSON file; for one object a line, positions are line numbers."""
    return _by_line(lines) if _has_lines(head) else _by_value(lines)


def _has_lines(head: str) -> bool:
    """Return whether each line is a record; the first one may be broken."""
    lines = [line.strip() for line in head.lstrip("\ufeff").split("\n") if line.strip()][:_FIRST_LINES]
    if lines and lines[0].startswith("["):
        return False
    for number, line in enumerate(lines):
        try:
            value, _ = _DECODER.raw_decode(line)
        except (ValueError, RecursionError):
            continue
        is_document = not isinstance(value, dict) or _is_page(value) or _holds_records(value)
        if not is_document and (not number or _has_text(value)):
            return True
        if not number:
            return False
    return False


def _has_text(value: Mapping[str, Any]) -> bool:
    return any((known_name(key) or "").startswith("abstract") for key in value)


def _is_page(value: Mapping[str, Any]) -> bool:
    return any(key.casefold() in PAGES and isinstance(item, list | dict) for key, item in value.items())


def _by_line(lines: Iterable[str]) -> Iterator[Raw]:
    number, held = 1, ""
    for piece in lines:
        held = held + piece if len(held) <= MOST_RECORD else held
        if not piece.endswith("\n"):
            continue
        yield from _of_line(held, number)
        number, held = number + 1, ""
    yield from _of_line(held, number)


def _of_line(line: str, number: int) -> Iterator[Raw]:
    if len(line) > MOST_RECORD:
        yield Unread(number, _TOO_LONG)
        return
    place = _end_of(_BETWEEN, line, 0)
    while place < len(line):
        try:
            value, place = _DECODER.raw_decode(line, place)
        except (ValueError, RecursionError):
            yield Unread(number, "malformed JSON")
            return
        yield from _records(value, number)
        place = _end_of(_BETWEEN, line, place)


def _by_value(lines: Iterable[str]) -> Iterator[Raw]:
    position = 0
    for value in values_in(lines):
        for raw in _records(value, position + 1):
            position += 1
            yield Record(position, raw.fields) if isinstance(raw, Record) else Unread(position, raw.reason)


def _records(value: object, position: int) -> Iterator[Raw]:
    if isinstance(value, Broken):
        yield Unread(position, value.reason)
    elif not isinstance(value, dict):
        yield Unread(position, "not a JSON object")
    elif _holds_records(value):
        for key, inner in value.items():
            yield Record(position, {"id": key} | inner)
    else:
        yield Record(position, value)


def _holds_records(value: Mapping[str, Any]) -> bool:
    """Return whether an object has records by their id."""
    return (
        bool(value)
        and all(isinstance(inner, dict) for inner in value.values())
        and any(_has_text(inner) for inner in value.values())
        and not any(known_name(key) for key in value)
    )


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place
