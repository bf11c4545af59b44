"""Where works appeared: the journals and conferences of a library, looked up by any form of their name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cached_property

from rag.text.names import fold

# Likeness in [0, 1] (difflib) from which a name counts as a slip of another; higher offers fewer.
# See docs/decisions.md#names-offered
NEAR_NAME = 0.8
# Names offered in place of one that is not there.
OFFERED = 3
# Words that a short form of a venue's name leaves out.
_SMALL = frozenset("the of and for in on a an & journal proceedings".split())
_BRACKETS = re.compile(r"[(（]([^)）]*)[)）]")
PLAIN = re.compile(r"[\W_]+")


class VenueIndex:
    """The venues of a library: which works, by number, appeared in each."""

    def __init__(self, venues: Iterable[Iterable[str]]) -> None:
        """Take the venues of each work."""
        self._written: dict[str, list[int]] = {}
        for number, names in enumerate(venues):
            for name in dict.fromkeys(names):
                self._written.setdefault(name, []).append(number)
        self._works: dict[str, list[int]] = {}
        for name, numbers in self._written.items():
            for key in _keys(name):
                self._works[key] = sorted({*self._works.get(key, ()), *numbers})

    def has(self, name: str) -> bool:
        """Return whether a venue has just this name."""
        return _key(name) in self._works

    def find(self, name: str) -> list[int]:
        """Return the works of a venue: of that name, else of names that hold or shorten it, else none."""
        key = _key(name)
        if exact := self._works.get(key):
            return exact
        words = key.split()
        return sorted(
            {n for own, numbers in self._works.items() if _is_short_for(words, own) for n in numbers}
        )

    def near(self, name: str) -> list[str]:
        """Return venues whose name is nearly `name`, likest first."""
        forms = {_key(venue): venue for venue in self._written}
        return [forms[form] for form in get_close_matches(_key(name), forms, OFFERED, NEAR_NAME)]

    def may_begin(self, word: str) -> bool:
        """Return whether a word may begin the name of a venue."""
        return bool({*plain(word).split()[:1]} & self._first_words)

    def han_at(self, text: str, start: int) -> str | None:
        """Return the longest Chinese name of a venue that stands in `text` at `start`."""
        return next((key for key in self._han.get(text[start], ()) if text.startswith(key, start)), None)

    @cached_property
    def _first_words(self) -> frozenset[str]:
        return frozenset(key.split()[0] for key in self._works) | _SMALL

    @cached_property
    def _han(self) -> dict[str, list[str]]:
        """The Chinese names by their first character, longest first."""
        found: dict[str, list[str]] = {}
        for key in sorted(self._works, key=len, reverse=True):
            if not key.isascii() and " " not in key:
                found.setdefault(key[0], []).append(key)
        return found


def plain(text: str) -> str:
    """Return `text` folded, its words parted by one space and nothing else."""
    return PLAIN.sub(" ", fold(text)).strip()


def _key(name: str) -> str:
    """Return what venues are compared by: the folded words that tell them apart, without numbers."""
    words = [word for word in plain(name).split() if not word.isdigit()]
    return " ".join([word for word in words if word not in _SMALL] or words)


def _keys(name: str) -> set[str]:
    """Return the keys of a venue: of its whole name, and of what stands in and outside brackets."""
    return {_key(part) for part in (name, *_BRACKETS.findall(name), _BRACKETS.sub(" ", name))} - {""}


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
