"""Search in a part of an index: the files that sources select, and given papers (`Filters.papers`).

Chroma cannot filter by papers quickly. The lexical index takes the numbers of their chunks. Vectors of a
small part are compared one by one; for a large part enough is fetched from Chroma, and the rest of what it
finds is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rag.schema import Filters, Language

# Chunks up to which a part is compared one by one; higher is slower and never misses.
# See docs/decisions.md#search-in-a-part
EACH_OF = 3000
# How many times the expected number of hits is fetched at first, and by what more is fetched then.
_MARGIN, _GROWTH = 2, 4
_CHUNKS = (
    "SELECT c.number, c.chunk_id, c.language, p.year, {record} FROM chunks c JOIN papers p USING (paper_id) "
    "WHERE p.paper_id IN"
)

Hits = list[tuple[str, float]]
"""(chunk_id, score), best first."""
RowsOf = Callable[[str, Sequence[Any]], Iterable[tuple[Any, ...]]]
"""Gives the rows of a query that ends in IN, for these keys."""
Rows = Callable[[str, Sequence[Any]], Iterable[tuple[Any, ...]]]
"""Gives the rows of a query, with these values for its parameters."""


@dataclass(frozen=True, slots=True)
class Part:
    """The chunks of a part of an index: their numbers and ids."""

    numbers: tuple[int, ...]
    chunk_ids: tuple[str, ...]


def files_named(rows: Rows, names: Iterable[str]) -> tuple[str, ...]:
    """Return the exact `Source.file` names, sorted, that `names` of files and of folders select."""
    query = "SELECT name FROM files WHERE name = ? OR (name >= ? AND name < ?)"
    found: set[str] = set()
    for name in names:
        name = name.rstrip("/")
        found |= {file for (file,) in rows(query, (name, name + "/", name + chr(ord("/") + 1)))}
    return tuple(sorted(found))


def part_of(rows_of: RowsOf, filters: Filters, files: frozenset[str], language: Language | None) -> Part:
    """Return the chunks of `filters.papers` that are in `language` and pass the other filters.

    `files` are the exact names that `filters.sources` select.
    """
    wanted = {language, filters.language} - {None}
    query = _CHUNKS.format(record="p.record" if filters.sources else "''")  # records are long to read
    rows = [
        (number, chunk_id)
        for number, chunk_id, own, year, record in rows_of(query, sorted(filters.papers))
        if wanted <= {own} and _in_years(year, filters) and (not filters.sources or _is_in(files, record))
    ]
    return Part(tuple(number for number, _ in rows), tuple(chunk_id for _, chunk_id in rows))


def fetched(part: Part, k: int, count: int, search: Callable[[int], Hits]) -> Hits:
    """Return up to `k` hits in the part; `search` gives so many of all `count` chunks, best first."""
    inside = frozenset(part.chunk_ids)
    size = min(count, _MARGIN * k * count // max(1, len(inside)))
    while inside:
        hits = search(size)
        found = [hit for hit in hits if hit[0] in inside]
        if len(found) >= k or len(hits) < size or size >= count:
            return found[:k]
        size = min(count, size * _GROWTH)
    return []


def without_papers(filters: Filters) -> Filters:
    """Return the other conditions."""
    return replace(filters, papers=frozenset())


def _in_years(year: int | None, filters: Filters) -> bool:
    if filters.year_from is None and filters.year_to is None:
        return True
    return year is not None and (filters.year_from or year) <= year <= (filters.year_to or year)


def _is_in(files: frozenset[str], record: str) -> bool:
    return any(source["file"] in files for source in json.loads(record)["sources"])
