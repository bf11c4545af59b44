"""Pages of works: those that pass filters and hold the words looked for, in an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.answering.fields.venues import plain
from rag.browsing.records import Order, PaperPage
from rag.browsing.shelf import Shelf, title_of
from rag.schema import Filters, Paper, ScoredChunk
from rag.store.index import Store

# Works shown where no text holds the words that are looked for.
_NEAREST = 20

Nearest = Callable[[str, int, Filters | None], Sequence[ScoredChunk]]
"""Gives up to so many papers nearest in meaning to a text, of those that pass filters."""


def list_papers(
    store: Store,
    query: str,
    filters: Filters | None,
    order: Order,
    offset: int,
    limit: int,
    nearest: Nearest,
) -> PaperPage:
    """Return the works from `offset` on that pass, at most `limit`.

    A work passes if its text or title holds every word of `query`, or if `query` is its author, venue,
    keyword or identifier. Where none does, the works nearest in meaning are given.

    Raises:
        QuestionError: a filter names an author, a venue or a keyword that no work has.
    """
    shelf = Shelf(store)
    numbers = shelf.passing(filters)
    if query:
        passing, found = set(numbers), find_words(shelf, query)
        numbers = [number for number in found if number in passing]
        if not numbers and passing:
            narrowed = shelf.narrowed(filters) if filters else None
            near = [hit.paper.paper_id for hit in nearest(query, _NEAREST, narrowed)]
            numbers = list(dict.fromkeys(shelf.library.number_of[i] for i in near))
            return PaperPage(len(numbers), _works(shelf, numbers[offset : offset + limit]), nearest=True)
    if not (query and order == "relevance"):
        numbers = _ordered(shelf, numbers, order)
    return PaperPage(len(numbers), _works(shelf, numbers[offset : offset + limit]))


def find_words(shelf: Shelf, query: str) -> list[int]:
    """Return the works that an identifier or a name picks out, then those that hold every word of `query`.

    Of the latter the best by BM25 come first; those that have `query` as a keyword only come last.
    """
    library = shelf.library
    identified = library.find_identifier(query)
    named = [*(identified[2] if identified else ()), *shelf.of_author(query), *library.venues.find(query)]
    held = [library.number_of[i] for i in shelf.store.catalog.papers_with(query)]
    return list(dict.fromkeys([*named, *held, *shelf.keywords.find(query)]))


def _ordered(shelf: Shelf, numbers: Sequence[int], order: Order) -> list[int]:
    """Return works in order: the newest, by title, or the last added first; `relevance` is as by year."""
    works = shelf.works
    if order == "added":
        return sorted(numbers, reverse=True)
    if order == "title":
        titles = {number: plain(title_of(works[number])) for number in numbers}
        return sorted(numbers, key=lambda number: (not titles[number], titles[number], number))
    return sorted(numbers, key=lambda number: (-(works[number].year or 0), number))


def _works(shelf: Shelf, numbers: Sequence[int]) -> tuple[tuple[Paper, ...], ...]:
    ids = [paper.paper_id for number in numbers for paper in shelf.works[number].papers]
    papers = shelf.store.catalog.papers_by_id(ids)
    return tuple(tuple(papers[paper.paper_id] for paper in shelf.works[number].papers) for number in numbers)
