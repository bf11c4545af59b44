"""What the reader looks at in the library: words, filters, order and place; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from rag import Filters, Language

# Works of a page.
PAGE = 50

Order = Literal["relevance", "year", "title", "added"]
ORDERS: tuple[Order, ...] = ("relevance", "year", "title", "added")
# Fields of `Filters` that hold several values, by the name of their list of counts.
_SEVERAL = {"venue": "venues", "author": "authors", "keyword": "keywords", "source": "sources"}


@dataclass(frozen=True, slots=True)
class Browsing:
    """The words looked for, the filters, the order, and the place of the first work shown."""

    query: str = ""
    filters: Filters = field(default_factory=Filters)
    order: Order = "relevance"
    offset: int = 0

    def finding(self, query: str) -> Browsing:
        """Return the same with other words, from the beginning."""
        return replace(self, query=query.strip(), offset=0)

    def ordered(self, order: object) -> Browsing:
        """Return the same in another order, from the beginning; what is no order changes nothing."""
        known = [each for each in ORDERS if each == order]
        return replace(self, order=known[0], offset=0) if known else self

    def at(self, offset: object) -> Browsing:
        """Return the same from another place on."""
        return replace(self, offset=max(0, offset)) if isinstance(offset, int) else self

    def toggled(self, name: object, value: object) -> Browsing:
        """Return the same with a filter put on, or taken off if it is on; an unknown one changes nothing."""
        if not isinstance(name, str) or not isinstance(value, str):
            return self
        filters = self.filters
        if name == "language" and value in ("en", "zh"):
            language = None if filters.language == value else cast(Language, value)
            filters = replace(filters, language=language)
        elif name == "year" and value.isdecimal():
            year = int(value)
            off = (filters.year_from, filters.year_to) == (year, year)
            filters = replace(filters, year_from=None if off else year, year_to=None if off else year)
        elif name == "years":
            filters = replace(filters, year_from=None, year_to=None)
        elif name in _SEVERAL:
            own: tuple[str, ...] = getattr(filters, _SEVERAL[name])
            now: Any = tuple(v for v in own if v != value) if value in own else (*own, value)
            filters = replace(filters, **{_SEVERAL[name]: now})
        return replace(self, filters=filters, offset=0)

    def in_years(self, text: str) -> Browsing | None:
        """Return the same in the years that `Filters.in_years` reads; None if it reads none."""
        filters = self.filters.in_years(text)
        return None if filters is None else replace(self, filters=filters, offset=0)

    def is_on(self, name: str, value: str) -> bool:
        """Return whether a value of a field is filtered for."""
        filters = self.filters
        if name == "language":
            return filters.language == value
        if name == "year":
            return f"{filters.year_from}" == f"{filters.year_to}" == value
        return value in getattr(filters, _SEVERAL[name])

    @property
    def on(self) -> list[tuple[str, str]]:
        """The filters that are on, each as the name of its field and its value."""
        filters = self.filters
        found: list[tuple[str, str]] = [("language", filters.language)] if filters.language else []
        if filters.year_from is not None or filters.year_to is not None:
            years = dict.fromkeys(str(year or "") for year in (filters.year_from, filters.year_to))
            found.append(("years", "–".join(years)))
        return found + [(name, v) for name, several in _SEVERAL.items() for v in getattr(filters, several)]


def chosen_after(chosen: tuple[str, ...], paper_id: object) -> tuple[str, ...]:
    """Return the chosen ids with one more, or without it if it was chosen."""
    if not isinstance(paper_id, str):
        return chosen
    return tuple(i for i in chosen if i != paper_id) if paper_id in chosen else (*chosen, paper_id)


def with_all(chosen: tuple[str, ...], ids: object) -> tuple[str, ...]:
    """Return the chosen ids with all of `ids`."""
    new = [i for i in ids if isinstance(i, str)] if isinstance(ids, list) else []
    return tuple(dict.fromkeys([*chosen, *new]))
