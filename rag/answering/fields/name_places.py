"""Find where the names of authors stand in a question, and how far they go."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.fields.library import Library
from rag.answering.fields.places import CAPITALS, CLAUSE_ENDS, JOINT, KNOWN_AFTER, KNOWN_BEFORE
from rag.answering.fields.words import AUTHOR, QUOTED, TITLE, VENUE, WORD, YEARS
from rag.text.language import HAN

_NAME_WORDS = 5  # words of the longest name that is looked up
Found = tuple[int, list[str], bool]
"""Where names end, the names, and whether one of them is enough."""


def stands_as_author(text: str, start: int, end: int, names: Sequence[str]) -> bool:
    """Return whether a known name stands where an author does: in full, with "et al.", "'s" or a year."""
    if len(names) > 1 or len(names[0].replace(",", " ").split()) > 1:
        return True
    if not text[start].isupper():
        return False
    if KNOWN_AFTER.match(text, end):
        return True
    return bool(KNOWN_BEFORE.search(text[:start]) and CLAUSE_ENDS.match(text, end))


def names_at(text: str, start: int, library: Library, *, unknown: bool) -> Found | None:
    """Return the end of the names that begin at `start`, the names, and whether one of them is enough."""
    names: list[str] = []
    end, any_author = start, False
    position = start
    while one := _name_at(text, position, library, unknown=unknown):
        end = one
        names.append(text[position:end].strip(" ,"))
        joint = JOINT.match(text, end)
        if not joint:
            break
        any_author |= joint[0].strip(" ,") in ("or", "或")
        position = joint.end()
    return (end, names, any_author) if names else None


def _name_at(text: str, start: int, library: Library, *, unknown: bool) -> int | None:
    """Return the end of the longest known name at `start`, else of a name by its capitals."""
    words = list(re.finditer(r"[^\s?？!;:()（）]+", text[start:]))[:_NAME_WORDS]
    for word in reversed(words):
        name = text[start : start + word.end()].rstrip(",'’").removesuffix("..")
        name = re.sub(r"['’]s$", "", name)
        if (
            re.fullmatch(rf"[^\d{AUTHOR}{YEARS}{VENUE}{TITLE}{QUOTED}{HAN}]+", name)
            and not WORD.fullmatch(name)
            and library.authors.knows(name)
        ):
            return start + len(name)
    if unknown and (match := CAPITALS.match(text, start)):
        name = re.sub(r"['’]s$", "", match[0].rstrip("."))
        return start + len(name) if not WORD.fullmatch(name) else None
    return None
