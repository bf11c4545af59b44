"""What the words of a question ask of the fields of papers."""

from __future__ import annotations

from typing import Literal

Asked = Literal[
    "list", "count", "authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords",
    "by author", "by year", "by venue",
]  # fmt: skip
GROUPED: tuple[Asked, ...] = ("by author", "by venue", "by year")
IDENTIFIERS: tuple[Asked, ...] = ("doi", "arxiv", "pmid", "link", "keywords")
OF_ONE_FIELD: frozenset[Asked] = frozenset(("authors", "year", "venue", *IDENTIFIERS))
_SLOTS = {"author_slot", "year_slot", "venue_slot", "title_slot"}
# Beside an identifier one of these shows that it is asked for, and not only mentioned.
_WANTED = {"which", "show", "papers", "paper", "title_slot", "verb", "have", "filler"}


def what_is_asked(words: set[str], *, about: bool) -> Asked | None:
    """Return what the classes of the words ask (`rag.answering.fields.words`); None if nothing of fields.

    `about` says that the question also has a topic.
    """
    target = about or bool(words & (_SLOTS | {"latest", "oldest", "paper"}))
    for identifier in IDENTIFIERS:
        if identifier in words:
            return identifier if target and words & _WANTED else None
    for grouped in GROUPED:
        if f"per_{grouped.removeprefix('by ')}" in words:
            return grouped
    if "most" in words and words & {"author", "who", "when", "venue"}:
        return "by author" if words & {"who", "author"} else "by venue" if "venue" in words else "by year"
    return _asked_of_works(words) if target else _asked_groups(words)


def is_loose(words: set[str]) -> bool:
    """Return whether no word says that a paper is asked about, so that its topic has to be a title."""
    return not words & {"papers", "paper", "latest", "oldest", *_SLOTS}


def _asked_groups(words: set[str]) -> Asked | None:
    """Return by what the whole library is to be counted, as in "Which journals are there?"."""
    if not words & {"here", "have", "papers", "show", "many"}:
        return None
    if "author" in words or ("who" in words and words & {"here", "have"}):
        return "by author"
    return "by venue" if "venue" in words else "by year" if "when" in words else None


def _asked_of_works(words: set[str]) -> Asked | None:
    papers = bool(words & {"papers", "paper", "title_slot"})
    made = bool(words & {"wrote", "issued"})
    if "who" in words and (made or words & {"author", "works"}):
        return "authors"
    if "who" in words and not words & {"which", "when"} and papers:
        return "authors"
    if "author" in words and "author_slot" not in words:
        return "authors"
    if words & {"latest", "oldest"}:
        return "list"
    if "when" in words and not words & {"who", "many"} and (made or papers):
        return "year"
    if (("where" in words and made) or ("venue" in words and (made or papers))) and "many" not in words:
        return "venue"
    return _listed(words, papers or made)


def _listed(words: set[str], papers: bool) -> Asked | None:
    """Return whether works of an author, a year or a venue are to be counted or listed."""
    if not words & {"author_slot", "year_slot", "venue_slot"}:
        return None
    if "many" in words:
        return "count" if papers or "works" in words else None
    if "venue_slot" in words and words <= {"which", "verb", "filler", "venue_slot"}:  # What is in …?
        return "list" if "which" in words else None
    return "list" if papers or words & {"works", "have"} or {"author_slot", "year_slot"} <= words else None
