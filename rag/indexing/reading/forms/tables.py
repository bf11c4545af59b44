"""Read tables: CSV and TSV of Scopus, Web of Science, Zotero or any with known column names."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.indexing.reading.fields import known_name
from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread

_DELIMITERS = ("\t", ",", ";", "|", "，")
_LONGEST_NAME = 60  # characters of a column name
_LEAST_KNOWN = 2  # known column names that make a first line the head of a table
_MOST_LINES = 400  # lines of one row; more is a quotation mark that is never closed
_DIALECT_LINE = re.compile(r"sep=(.)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is written: its delimiter and column names, and the lines before its first row."""

    delimiter: str
    columns: tuple[str, ...]
    head_lines: int


def table_of(head: str, mapping: Mapping[str, str] | None = None) -> Table | None:
    """Return how the table is written that begins with `head`, or None if it is none.

    The first line must have two known column names, or one that `mapping` names.
    """
    lines = head.lstrip("\ufeff").split("\n")
    skipped = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    lines = lines[skipped:]
    if lines and _DIALECT_LINE.match(lines[0]):
        lines, skipped = lines[1:], skipped + 1
    if len(lines) < 2:
        return None
    for delimiter in _DELIMITERS:
        columns = _cells([lines[0]], delimiter)
        if len(columns) > 1 and _are_names(columns, mapping or {}):
            return Table(delimiter, tuple(columns), skipped + 1)
    return None


def has_texts(table: Table, mapping: Mapping[str, str] | None = None) -> bool:
    """Return whether a column of the table holds abstracts."""
    named = any((known_name(column) or "").startswith("abstract") for column in table.columns)
    return named or bool(mapping and mapping.get("abstract") in table.columns)


def read_table(lines: Iterable[str], table: Table) -> Iterator[Raw]:
    """Yield the rows of a table; a row that cannot be read costs one line."""
    position = 0
    for cells in _rows(_after(lines, table.head_lines), table):
        if cells and not any(cell.strip() for cell in cells):
            continue
        position += 1
        if cells is None:
            yield Unread(position, "a quotation mark in it is never closed")
        elif len(cells) > len(table.columns) and any(cell.strip() for cell in cells[len(table.columns) :]):
            yield Unread(position, f"{len(cells)} cells where the table has {len(table.columns)} columns")
        else:
            yield Record(position, dict(zip(table.columns, cells, strict=False)))


def _are_names(columns: Sequence[str], mapping: Mapping[str, str]) -> bool:
    if any(len(column) > _LONGEST_NAME for column in columns):
        return False
    if set(mapping.values()) & set(columns):
        return True
    return len({name for column in columns if (name := known_name(column))}) >= _LEAST_KNOWN


def _after(lines: Iterable[str], count: int) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number >= count:
            yield line


def _rows(lines: Iterator[str], table: Table) -> Iterator[list[str] | None]:
    """Yield the cells of each row, or None for a line with a quotation mark that is never closed."""
    waiting: list[str] = []
    held: list[str] = []
    is_open, size = False, 0
    while (line := waiting.pop() if waiting else next(lines, "")) or held:
        if line and not held and table.delimiter == "\t" and _is_plain(line, table):
            yield [_unquoted(cell) for cell in line.rstrip("\r\n").split("\t")]
            continue
        held.append(line)
        is_open, size = is_open != (line.count('"') % 2 == 1), size + len(line)
        if is_open and line and len(held) <= _MOST_LINES and size <= MOST_RECORD:
            continue
        cells = None if is_open else _cells(held, table.delimiter)
        if len(held) > 1 and (cells is None or len(cells) != len(table.columns)):
            cells = None
            waiting += reversed([line for line in held[1:] if line])
        yield cells
        held, is_open, size = [], False, 0


def _is_plain(line: str, table: Table) -> bool:
    """Return whether a line of a tabbed table is a whole row without quoting, as Web of Science writes it."""
    last = line.rstrip("\r\n").rpartition("\t")[2]
    goes_on = last.startswith('"') and last.count('"') % 2 == 1
    return '"' not in line or (line.count("\t") >= len(table.columns) - 1 and not goes_on)


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def _cells(lines: Sequence[str], delimiter: str) -> list[str]:
    csv.field_size_limit(MOST_RECORD * 2)
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error:  # a character that no table may have
        rows = [line.replace("\0", "").rstrip("\r\n").split(delimiter) for line in lines]
    return [cell.strip("\ufeff \t") for row in rows for cell in row]
