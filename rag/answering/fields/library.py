"""The known fields of an index, kept in memory, so that a question about them reads nothing from the disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from weakref import WeakKeyDictionary

from rag.answering.fields.authors import AuthorIndex
from rag.answering.fields.venues import NEAR_NAME, OFFERED, PLAIN, VenueIndex, plain
from rag.answering.fields.work import Work
from rag.schema import Paper
from rag.store.index import Store
from rag.text.names import fold, fold_letters, read_name

# Letters or Chinese characters of the shortest title that is looked for inside a question.
_SHORTEST_TITLE = {"en": 12, "zh": 5}
_HEAD = 5  # characters by which titles are looked up; at most the shortest title
_PLAIN_LINE = re.compile(r"[^\w\n]+|_+")
_LINE = "\n"  # stands between titles that are made plain together
_IDENTIFIER = re.compile(
    r"\b(?P<doi>10\.\d{4,9}/[^\s，。；、？?!！》）)\"”]+)|(?P<arxiv>\b\d{4}\.\d{4,5}|\b[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?\b"
    r"|\bpmid:?\s*(?P<pmid>\d{5,9})\b",
    re.IGNORECASE,
)


class Library:
    """Everything that the records of an index say of themselves; the texts are left out to save memory."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        """Take the fields of `papers`; those of one work stand together."""
        works: dict[str, list[Paper]] = {}
        for paper in papers:
            works.setdefault(paper.work, []).append(paper if not paper.text else replace(paper, text=""))
        self.works: tuple[Work, ...] = tuple(Work(tuple(group)) for group in works.values())

    @cached_property
    def number_of(self) -> dict[str, int]:
        """The number in `works` of each paper, by its id."""
        return {paper.paper_id: number for number, work in enumerate(self.works) for paper in work.papers}

    @cached_property
    def authors(self) -> AuthorIndex:
        """Who wrote which work, by its number in `works`; each paper may write names its own way."""
        return AuthorIndex([name for paper in work.papers for name in paper.authors] for work in self.works)

    @cached_property
    def venues(self) -> VenueIndex:
        """Which works appeared where."""
        return VenueIndex([paper.venue for paper in work.papers if paper.venue] for work in self.works)

    def begins_value(self, word: str) -> bool:
        """Return whether a Latin word may begin the name of an author or a venue."""
        return len(word) == 1 or self.authors.has_word(word) or self.venues.may_begin(word)

    def near_authors(self, name: str) -> list[str]:
        """Return authors whose name, surname or given name is nearly `name`, likest first."""
        words = fold(name).replace(",", " ").split()
        whole: dict[str, str] = {}
        parts: dict[str, str] = {}
        for author in self.authors.written:
            own = fold(author).replace(",", " ").split()
            whole.setdefault("".join(sorted(own)), author)
            # The given name alone is worth offering only if nothing else was said.
            for part in own if len(words) == 1 else [each.surname for each in read_name(author).readings]:
                parts.setdefault(part, author)
        close = [whole[form] for form in _close("".join(sorted(words)), whole)]
        for surname in dict.fromkeys(reading.surname for reading in read_name(name).readings):
            close += [parts[form] for form in _close(surname, parts)]
        return list(dict.fromkeys(close))[:OFFERED]

    def titled(self, title: str, *, part: bool = False) -> list[int]:
        """Return the works of this title, else those whose title holds it, case and punctuation aside.

        A short title has to be the whole one, unless it may be a `part`.
        """
        key = plain(title)
        if not key:
            return []
        exact = [number for own, numbers in self._titles.items() if own == key for number in numbers]
        near = (
            numbers
            for own, numbers in self._titles.items()
            if (part or len(key) >= _least(key)) and key in own
        )
        return exact or sorted({number for numbers in near for number in numbers})

    def find_title(self, question: str) -> tuple[int, int, list[int]] | None:
        """Return start and end of the longest title that stands in a question as it is, and its works."""
        key, places = _plain_with_places(question)
        heads = (key[place : place + _HEAD] for place in range(len(key) - _HEAD + 1))
        within = [own for head in heads for own in self._title_heads.get(head, ()) if own in key]
        if not within:
            return None
        title = max(within, key=len)
        start = key.index(title)
        return places[start], places[start + len(title) - 1] + 1, self._titles[title]

    def find_identifier(self, question: str) -> tuple[int, int, list[int]] | None:
        """Return start and end of a DOI, arXiv id or PMID in a question, and its works, perhaps none."""
        match = _IDENTIFIER.search(question)
        if not match:
            return None
        kind = str(match.lastgroup)
        key = match[kind].rstrip(".,;:").casefold()
        end = match.end() - (len(match[kind]) - len(key))
        return match.start(), end, self._identifiers.get((kind, key), [])

    @cached_property
    def _identifiers(self) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for number, work in enumerate(self.works):
            for paper in work.papers:
                for kind, value in (("doi", paper.doi), ("arxiv", paper.arxiv_id), ("pmid", paper.pmid)):
                    if value:
                        found.setdefault((kind, value.casefold()), []).append(number)
        return found

    def has_in_title(self, word: str) -> bool:
        """Return whether a Latin word, with or without an "s", or two Chinese characters stand in a title."""
        key = plain(word)
        forms = (key, f"{key}s", key.removesuffix("s")) if key.isascii() else (key,)
        return any(form in self._title_words for form in forms)

    @cached_property
    def _title_words(self) -> frozenset[str]:
        words = {word for title in self._titles for word in title.split()}
        pairs = (word[i : i + 2] for word in words if not word.isascii() for i in range(len(word) - 1))
        return frozenset(words.union(pairs))

    @cached_property
    def _title_heads(self) -> dict[str, list[str]]:
        """The titles long enough to be looked for in a question, by their first characters."""
        found: dict[str, list[str]] = {}
        for title in self._titles:
            if len(title) >= _least(title):
                found.setdefault(title[:_HEAD], []).append(title)
        return found

    @cached_property
    def _titles(self) -> dict[str, list[int]]:
        """The works of each plain title; all titles are made plain as one text, which is much quicker."""
        written = [
            (n, paper.title) for n, work in enumerate(self.works) for paper in work.papers if paper.title
        ]
        found: dict[str, list[int]] = {}
        for ascii_only in (True, False):  # letters beyond ASCII are slow to fold
            own = [(n, title.replace(_LINE, " ")) for n, title in written if title.isascii() == ascii_only]
            text = fold(_LINE.join(title for _, title in own))
            for (number, _), line in zip(own, _PLAIN_LINE.sub(" ", text).split(_LINE), strict=False):
                numbers = found.setdefault(" ".join(line.split()), [])
                if number not in numbers[-1:]:
                    numbers.append(number)
        return found

    def having(self, field: Callable[[Work], object]) -> int:
        """Return how many works record a field."""
        return sum(bool(field(work)) for work in self.works)


_LIBRARIES: WeakKeyDictionary[Store, Library] = WeakKeyDictionary()


def library_of(store: Store) -> Library:
    """Return the fields of an open index, read once: an open index does not change."""
    library = _LIBRARIES.get(store)
    if library is None:
        library = _LIBRARIES[store] = Library(store.catalog.papers_without_text())
    return library


def _close(word: str, forms: Iterable[str]) -> list[str]:
    """Return the forms that are nearly `word`; most are left out by their length, which is quick."""
    slack = len(word) * (1 - NEAR_NAME) * 2
    return get_close_matches(word, [f for f in forms if abs(len(f) - len(word)) <= slack], OFFERED, NEAR_NAME)


def _least(key: str) -> int:
    return _SHORTEST_TITLE["en" if key.isascii() else "zh"]


def _plain_with_places(text: str) -> tuple[str, list[int]]:
    """Return `plain(text)` and the place in `text` of each of its characters; `text` is Simplified."""
    key: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for part in fold_letters(char):
            word = PLAIN.match(part) is None
            if word or (key and key[-1] != " "):
                key.append(part if word else " ")
                places.append(place)
    return "".join(key).rstrip(), places
