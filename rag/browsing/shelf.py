"""The works of an index with what they can be filtered by, kept in memory while the index is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from rag.answering.collection.listing import passes
from rag.answering.fields.library import library_of
from rag.answering.fields.venues import plain
from rag.answering.fields.work import Work
from rag.errors import QuestionError
from rag.schema import Filters
from rag.store.index import Store

# An id that no paper has: what is left where several filters let nothing through together.
_NOBODY = frozenset({""})


class KeywordIndex:
    """The works of each keyword, by number."""

    def __init__(self, works: Sequence[Work]) -> None:
        """Take the keywords of each work; those of its translation count too."""
        self._works: dict[str, list[int]] = {}
        self._written: dict[str, Counter[str]] = {}
        for number, work in enumerate(works):
            for keyword in {keyword for paper in work.papers for keyword in paper.keywords}:
                if key := plain(keyword):
                    self._works.setdefault(key, []).append(number)
                    self._written.setdefault(key, Counter())[keyword] += 1

    def find(self, keyword: str) -> list[int]:
        """Return the works that have a keyword, whatever its case, accents and characters."""
        return list(dict.fromkeys(self._works.get(plain(keyword), ())))

    def written(self, keyword: str) -> str:
        """Return a keyword as most works write it."""
        return self._written[plain(keyword)].most_common(1)[0][0]


_KEYWORDS: WeakKeyDictionary[Store, KeywordIndex] = WeakKeyDictionary()


class Shelf:
    """The works of one open index, by number, and which of them pass filters."""

    def __init__(self, store: Store) -> None:
        """Take an open index; its fields are read once."""
        self.store = store
        self.library = library_of(store)
        if store not in _KEYWORDS:
            _KEYWORDS[store] = KeywordIndex(self.library.works)
        self.keywords = _KEYWORDS[store]

    @property
    def works(self) -> Sequence[Work]:
        """Every work, in the order of reading."""
        return self.library.works

    def of_author(self, name: str) -> list[int]:
        """Return the works of an author, however the name is written."""
        return list(self.library.authors.find(name))

    def passing(self, filters: Filters | None) -> list[int]:
        """Return the works of which a text passes the filters, in the order of reading.

        Raises:
            QuestionError: a filter names an author, a venue or a keyword that no work has.
        """
        if not filters:
            return list(range(len(self.works)))
        narrowed = self.narrowed(filters)
        files = set(self.store.catalog.source_names(narrowed.sources))
        numbers: Iterable[int] = range(len(self.works))
        if narrowed.papers:
            numbers = sorted({self.library.number_of[i] for i in narrowed.papers - _NOBODY})
        return [n for n in numbers if any(passes(p, narrowed, files) for p in self.works[n].papers)]

    def narrowed(self, filters: Filters) -> Filters:
        """Return the filters with authors, venues, keywords and ids told as ids of the papers here.

        Raises:
            QuestionError: as `passing`.
        """
        sets = [
            self._any(filters.authors, self.of_author, "author"),
            self._any(filters.venues, self.library.venues.find, "venue"),
            self._any(filters.keywords, self.keywords.find, "keyword"),
            self._known(filters.papers),
        ]
        given = [numbers for numbers in sets if numbers is not None]
        if not given:
            return filters
        numbers = set[int].intersection(*given)
        papers = frozenset(paper.paper_id for number in numbers for paper in self.works[number].papers)
        return replace(filters, authors=(), venues=(), keywords=(), papers=papers or _NOBODY)

    def _any(
        self, values: Sequence[str], find: Callable[[str], Sequence[int]], field: str
    ) -> set[int] | None:
        if not values:
            return None
        found: set[int] = set()
        for value in values:
            numbers = find(value)
            if not numbers:
                advice = self._near(field, value)
                raise QuestionError(f"No abstract of the index has the {field} {value!r}. {advice}")
            found.update(numbers)
        return found

    def _near(self, field: str, value: str) -> str:
        offers = {"author": self.library.near_authors, "venue": self.library.venues.near}
        near = offers[field](value) if field in offers else []
        return f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Name another {field}."

    def _known(self, paper_ids: frozenset[str]) -> set[int] | None:
        """Return the works of papers, also of those that were folded into another; None without papers."""
        if not paper_ids:
            return None
        numbers = self.library.number_of
        found = {numbers[i] for i in paper_ids if i in numbers}
        for folded in (i for i in paper_ids if i not in numbers):
            paper = self.store.catalog.resolve(folded)
            found |= {numbers[paper.paper_id]} if paper else set()
        return found


def title_of(work: Work) -> str:
    """Return the title of a work, "" if no record has one."""
    return next((paper.title for paper in work.papers if paper.title), "")


def narrow(store: Store, filters: Filters | None) -> Filters | None:
    """Return filters that the stages of an answer understand: of authors, venues and keywords only the ids.

    Raises:
        QuestionError: a filter names an author, a venue or a keyword that no work has.
    """
    if not filters or not (filters.authors or filters.venues or filters.keywords or filters.papers):
        return filters
    return Shelf(store).narrowed(filters)
