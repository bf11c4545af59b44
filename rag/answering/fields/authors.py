"""Who wrote what: the authors of a library, looked up by any form of their name."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Literal

from rag.text.language import HAN
from rag.text.names import Reading, index_words, is_plain_name, read_name


class AuthorIndex:
    """The authors of a library: on which items, by number, a name stands.

    A library has many names, so they are folded as one text that is searched, and read only when compared.
    """

    def __init__(self, names: Iterable[Iterable[str]]) -> None:
        """Take the authors of each item."""
        self._items: dict[str, list[int]] = {}
        for number, authors in enumerate(names):
            for author in authors:
                self._items.setdefault(author, []).append(number)
        self._names = list(self._items)
        lines = [name if is_plain_name(name) else " ".join(index_words(name)) for name in self._names]
        lines = [line.replace("\n", " ") for line in lines]
        self._text = "\n" + "\n".join(lines).lower() + "\n"
        self._starts = list(accumulate((len(line.lower()) + 1 for line in lines), initial=1))
        self._having: dict[str, list[str]] = {}

    @property
    def written(self) -> Iterable[str]:
        """Every name as the items write it."""
        return self._items

    def find(self, written: str) -> dict[int, str]:
        """Return the items of an author, with the name as each item writes it; empty if there is none.

        A surname alone finds everybody of that surname. Of a name in full the given names must agree, as far
        as both are written out. One Chinese character is a surname.
        """
        name = read_name(written)
        if len(name.readings) == 1 and len(name.readings[0].surname) == 1 and name.readings[0].han:
            return self._items_of(self._of_han_surname(name.readings[0].surname))
        found = self._agreeing(name.readings, "readings")
        # A surname alone is the first word of a name only if it is nobody's last.
        if not found or name.loose:
            found |= self._agreeing(name.loose, "readings")
            found |= self._agreeing(name.readings, "loose") | self._agreeing(name.loose, "loose")
        return self._items_of(found)

    def _items_of(self, names: Iterable[str]) -> dict[int, str]:
        found: dict[int, str] = {}
        for name in names:
            for number in self._items[name]:
                found.setdefault(number, name)
        return found

    def _agreeing(self, readings: Sequence[Reading], side: Literal["readings", "loose"]) -> dict[str, None]:
        found: dict[str, None] = {}
        for reading in readings:
            for author in self._with_word(reading.surname.split()[-1]) if reading.surname else ():
                if any(reading.fits(own) for own in getattr(read_name(author), side)):
                    found[author] = None
        return found

    def _with_word(self, word: str) -> list[str]:
        """Return the names that hold a folded word."""
        if word not in self._having:
            self._having[word] = [self._names[line] for line in dict.fromkeys(self._lines(word))]
        return self._having[word]

    def _lines(self, word: str) -> Iterator[int]:
        text, place = self._text, self._text.find(word)
        while place >= 0:
            end = place + len(word)
            if not (text[place - 1].isalnum() or text[end].isalnum()):
                yield bisect(self._starts, place) - 1
            place = text.find(word, end)

    def _of_han_surname(self, surname: str) -> list[str]:
        own = (han for han in self.han if han[0] == surname and len(han) <= 4)
        return [name for han in own for name in self._with_word(han)]

    def knows(self, written: str) -> bool:
        """Return whether an author has this name, with no word that is in nobody's name."""
        return all(len(word) == 1 or self._with_word(word) for word in index_words(written)) and bool(
            self.find(written)
        )

    def has_word(self, word: str) -> bool:
        """Return whether a word stands in the name of an author."""
        return any(self._with_word(part) for part in index_words(word))

    @cached_property
    def han(self) -> frozenset[str]:
        """The Chinese names, without spaces and in Simplified characters."""
        return frozenset(re.findall(f"(?<![^\\s])[{HAN}]{{2,}}(?![^\\s])", self._text))
