"""Counts by field, for lists of filters: how many works each value has among those that pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from rag.answering.fields.venues import plain
from rag.answering.fields.work import Work
from rag.browsing.listing import find_words
from rag.browsing.records import FacetField, Facets
from rag.browsing.shelf import Shelf
from rag.schema import Filters
from rag.store.index import Store

# Values that each field offers; others can be named.
FACET_VALUES = 100

_Values = Callable[[Work], Iterable[str]]
VALUES: dict[FacetField, _Values] = {
    "language": lambda work: {paper.language for paper in work.papers},
    "year": lambda work: {str(paper.year) for paper in work.papers if paper.year},
    "venue": lambda work: {paper.venue for paper in work.papers if paper.venue},
    "author": lambda work: {author for paper in work.papers for author in paper.authors},
    "keyword": lambda work: {keyword for paper in work.papers for keyword in paper.keywords},
    "source": lambda work: {source.file for paper in work.papers for source in paper.sources},
}
_WITHOUT: dict[FacetField, Callable[[Filters], Filters]] = {
    "language": lambda filters: replace(filters, language=None),
    "year": lambda filters: replace(filters, year_from=None, year_to=None),
    "venue": lambda filters: replace(filters, venues=()),
    "author": lambda filters: replace(filters, authors=()),
    "keyword": lambda filters: replace(filters, keywords=()),
    "source": lambda filters: replace(filters, sources=()),
}


def count_facets(store: Store, query: str, filters: Filters | None) -> Facets:
    """Return for each field its most frequent values, each with its number of works.

    A field counts the works that pass the filters on the other fields, so that another value can be chosen.
    Years are in order, the latest first.

    Raises:
        QuestionError: a filter names an author, a venue or a keyword that no work has.
    """
    shelf, filters = Shelf(store), filters or Filters()
    words = set(find_words(shelf, query)) if query else None
    passing: dict[Filters, list[int]] = {}
    found: Facets = {}
    for field, values in VALUES.items():
        others = _WITHOUT[field](filters)
        if others not in passing:
            numbers = shelf.passing(others)
            passing[others] = numbers if words is None else [n for n in numbers if n in words]
        found[field] = _counted(shelf, field, values, passing[others])
    return found


def _counted(
    shelf: Shelf, field: FacetField, values: _Values, numbers: Sequence[int]
) -> tuple[tuple[str, int], ...]:
    counts = Counter(value for number in numbers for value in values(shelf.works[number]))
    if field == "year":
        return tuple(sorted(counts.items(), reverse=True))
    top = counts.most_common(FACET_VALUES)
    find: dict[FacetField, Callable[[str], Collection[int]]] = {
        "author": shelf.of_author, "venue": shelf.library.venues.find, "keyword": shelf.keywords.find,
    }  # fmt: skip
    if field not in find:
        return tuple(top)
    return _as_filtered(find[field], [value for value, _ in top], frozenset(numbers))


def _as_filtered(
    find: Callable[[str], Collection[int]], values: Sequence[str], among: frozenset[int]
) -> tuple[tuple[str, int], ...]:
    """Return each value with the number of works that a filter on it finds; of two ways to write it, one."""
    found: dict[str, tuple[str, int]] = {}
    for value in values:
        key = " ".join(sorted(plain(value).split()))
        if key not in found and (count := len(among & frozenset(find(value)))):
            found[key] = value, count
    return tuple(sorted(found.values(), key=lambda pair: -pair[1]))
