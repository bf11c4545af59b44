"""Compare authors, whose names are written in many forms: "Li, X.", "X. Li", "Xiaoming Li", "Li Xiaoming"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence, Set
from functools import lru_cache
from typing import NamedTuple

from rag.text.language import to_simplified

_INITIALS = re.compile(r"(?:[A-Z]\.?-?){1,3}")  # "Asemota EA", "E. A. Asemota"
_NOT_ALNUM = re.compile(r"[^a-z0-9]+")  # of lower-case ASCII
_PARTS = re.compile(r"[^\W\d_]+")


class _Name(NamedTuple):
    """The words that may be the family name, and the first letter of every other word by that choice."""

    families: tuple[str, ...]
    given: tuple[frozenset[str], ...]


def fold(text: str | None) -> str:
    """Return letters and digits in lower case, without accents, in Simplified characters."""
    if text and text.isascii():
        return _NOT_ALNUM.sub("", text.lower())
    decomposed = unicodedata.normalize("NFKD", to_simplified(text or "")).casefold()
    return "".join(char for char in decomposed if char.isalnum())


def surname(author: str) -> str:
    """Return the folded family name: the part before a comma, else the last word except initials."""
    families = _parse(author).families
    return families[0] if families else ""


def common_authors(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many names two lists have in common: equal family names, or a name turned round."""
    ours, theirs = (
        {name for author in authors if (name := _parse(author)).families} for authors in (first, second)
    )
    return min(_count_in(ours, theirs), _count_in(theirs, ours))


def _count_in(names: Set[_Name], others: Set[_Name]) -> int:
    families = {other.families[0] for other in others}
    return len(
        {
            name.families[0]
            for name in names
            if name.families[0] in families or any(_is_turned_round(name, other) for other in others)
        }
    )


@lru_cache(maxsize=65536)
def _parse(author: str) -> _Name:
    family, comma, rest = author.partition(",")
    if comma:
        return _Name((fold(family),), (_initials(rest.split()),)) if fold(family) else _Name((), ())
    words = author.split()
    full = [word for word in words if not _INITIALS.fullmatch(word)] or words[:1]
    choices = list(dict.fromkeys([full[-1], full[0]])) if full else []
    return _Name(
        tuple(fold(word) for word in choices),
        tuple(_initials([word for word in words if word is not choice]) for choice in choices),
    )


def _initials(words: Sequence[str]) -> frozenset[str]:
    """Return the first letter of each word; every letter of initials such as "EA"."""
    letters = (
        part if _INITIALS.fullmatch(word) else part[:1] for word in words for part in _PARTS.findall(word)
    )
    return frozenset(fold("".join(letters)))


def _is_turned_round(first: _Name, second: _Name) -> bool:
    """Return whether two names agree if the family name of one comes first."""
    return any(
        family == other and given and others and given & others
        for family, given in zip(first.families, first.given, strict=True)
        for other, others in zip(second.families, second.given, strict=True)
    )
