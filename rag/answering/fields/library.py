"""The known fields of an index, kept in memory, so that a question about them reads nothing from the disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from weakref import WeakKeyDictionary

from rag.answering.fields.authors import AuthorIndex
from rag.answering.fields.work import Work
from rag.schema import Paper
from rag.store.index import Store
from rag.text.names import fold, fold_letters, index_words, read_name

# Likeness in [0, 1] (difflib) from which a name counts as a slip of another; higher offers fewer.
# See docs/decisions.md#names-offered
NEAR_NAME = 0.8
# Names offered in place of one that is not there.
OFFERED = 3
# Letters or Chinese characters of the shortest title that is looked for inside a question.
_SHORTEST_TITLE = {"en": 12, "zh": 5}
_HEAD = 5  # characters by which titles are looked up; at most the shortest title
# Words that a short form of a venue's name leaves out.
_SMALL = frozenset("the of and for in on a an & journal proceedings".split())
_BRACKETS = re.compile(r"[(（]([^)）]*)[)）]")
_PLAIN = re.compile(r"[\W_]+")
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
    def venues(self) -> dict[str, list[int]]:
        """The works of each venue, by its folded name without small words."""
        written: dict[str, list[int]] = {}
        for number, work in enumerate(self.works):
            for venue in {paper.venue for paper in work.papers if paper.venue}:
                written.setdefault(venue, []).append(number)
        found: dict[str, list[int]] = {}
        for venue, numbers in written.items():
            for key in _venue_keys(venue):
                found[key] = sorted({*found.get(key, ()), *numbers})
        return found

    def han_venue_at(self, text: str, start: int) -> str | None:
        """Return the longest Chinese name of a venue that stands in a question at `start`."""
        return next(
            (key for key in self._han_venues.get(text[start], ()) if text.startswith(key, start)), None
        )

    @cached_property
    def _han_venues(self) -> dict[str, list[str]]:
        """The Chinese names of venues by their first character, longest first."""
        found: dict[str, list[str]] = {}
        for key in sorted(self.venues, key=len, reverse=True):
            if not key.isascii() and " " not in key:
                found.setdefault(key[0], []).append(key)
        return found

    def begins_value(self, word: str) -> bool:
        """Return whether a Latin word may begin the name of an author or a venue."""
        words = index_words(word)
        return any(len(part) == 1 for part in words) or bool(
            words & self._first_words or self.authors.has_word(word)
        )

    @cached_property
    def _first_words(self) -> frozenset[str]:
        return frozenset(key.split()[0] for key in self.venues) | _SMALL

    def is_venue(self, name: str) -> bool:
        """Return whether a venue has just this name."""
        return venue_key(name) in self.venues

    def in_venue(self, name: str) -> list[int]:
        """Return the works of a venue: of that name, else of names that hold or shorten it, else none."""
        key = venue_key(name)
        if exact := self.venues.get(key):
            return exact
        words = key.split()
        return sorted(
            {n for own, numbers in self.venues.items() if _is_short_for(words, own) for n in numbers}
        )

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

    def near_venues(self, name: str) -> list[str]:
        """Return venues whose name is nearly `name`, likest first."""
        forms = {venue_key(work.venue): work.venue for work in self.works if work.venue}
        return [forms[form] for form in get_close_matches(venue_key(name), forms, OFFERED, NEAR_NAME)]

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
        """Return whether a Latin word, or two Chinese characters, stand in a title."""
        return plain(word) in self._title_words

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


def plain(text: str) -> str:
    """Return `text` folded, its words parted by one space and nothing else."""
    return _PLAIN.sub(" ", fold(text)).strip()


def venue_key(name: str) -> str:
    """Return what venues are compared by: the folded words that tell them apart, without numbers."""
    words = [word for word in plain(name).split() if not word.isdigit()]
    return " ".join([word for word in words if word not in _SMALL] or words)


def _venue_keys(name: str) -> set[str]:
    """Return the keys of a venue: of its whole name, and of what stands in and outside brackets."""
    return {venue_key(part) for part in (name, *_BRACKETS.findall(name), _BRACKETS.sub(" ", name))} - {""}


def _is_short_for(words: Sequence[str], key: str) -> bool:
    """Return whether words stand in a venue's key in order, or begin its words one by one (J Mar Ecol)."""
    own = key.split()
    if words and words[0] == "j":
        words = words[1:]
    if len(words) < 2:
        return False
    together = zip(words, own, strict=False)
    begun = len(words) == len(own) and all(full.startswith(short) for short, full in together)
    return begun or f" {' '.join(words)} " in f" {key} "


def _least(key: str) -> int:
    return _SHORTEST_TITLE["en" if key.isascii() else "zh"]


def _plain_with_places(text: str) -> tuple[str, list[int]]:
    """Return `plain(text)` and the place in `text` of each of its characters; `text` is Simplified."""
    key: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for part in fold_letters(char):
            word = not _PLAIN.match(part)
            if word or (key and key[-1] != " "):
                key.append(part if word else " ")
                places.append(place)
    return "".join(key).rstrip(), places
