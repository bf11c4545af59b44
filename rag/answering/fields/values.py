"""Find the values in a question that a library knows, or that stand where such a value must stand.

Authors, years, venues, titles and identifiers are each replaced by one character, so that the rest of the
question is made of few words (`rag.answering.fields.words`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rag.answering.fields.library import Library
from rag.answering.fields.name_places import Found, names_at, stands_as_author
from rag.answering.fields.names import is_han_name
from rag.answering.fields.places import (
    AFTER_DID,
    BY,
    DID,
    ET_AL,
    HAN_FOLLOWS,
    HAN_NAMES,
    HAN_OWNER,
    HAN_TOPIC_BEFORE,
    IDENTIFIER_LEAD,
    JOINT,
    NAME_WORDS,
    NAMED_VENUES,
    PAPERS_IN,
    PEOPLE,
    QUOTES,
    VENUE_AFTER,
    VENUE_BEFORE,
    VENUE_LEAD,
    VERB_AFTER,
)
from rag.answering.fields.words import AUTHOR, QUOTED, TITLE, VENUE, WORD, YEARS
from rag.answering.fields.years import Span, find_years, spelled_years
from rag.text.language import HAN

_VENUE_WORDS = 12  # words of the longest venue that is looked up


@dataclass(frozen=True, slots=True)
class Values:
    """A question whose values are replaced by characters, and the values."""

    text: str
    authors: tuple[str, ...] = ()
    any_author: bool = False
    years: tuple[Span, ...] = ()
    venue: str | None = None
    works: tuple[int, ...] | None = None
    quoted: str | None = None


def find_values(question: str, library: Library, this_year: int) -> Values:
    """Replace what a question says of authors, years, venue and title by characters.

    Args:
        question: in Simplified characters and NFKC.
        library: what is known.
        this_year: what "last year" counts from.
    """
    values = _titles(Values(spelled_years(question)), library)
    values = _years(values, this_year)
    values = _venue(values, library)
    return _authors(values, library)


def _put(values: Values, start: int, end: int, mark: str) -> Values:
    return replace(values, text=values.text[:start] + mark + values.text[end:])


def _titles(values: Values, library: Library) -> Values:
    """Replace an identifier or a title; else a quotation, which may be a venue or a topic."""
    text = values.text
    if found := library.find_identifier(text):
        start, end, works = found
        lead = IDENTIFIER_LEAD.search(text[:start])
        return replace(_put(values, lead.start() if lead else start, end, TITLE), works=tuple(works))
    quoted = [(match, next(filter(None, match.groups()))) for match in QUOTES.finditer(text)]
    for match, inner in quoted:
        if titled := library.titled(inner):
            return replace(_put(values, *match.span(), TITLE), works=tuple(titled))
    if title := library.find_title(text):
        start, end, works = title
        start -= text[max(0, start - 1) : start] in tuple("\"“'《‘")
        end += text[end : end + 1] in tuple("\"”'》’")
        return replace(_put(values, start, end, TITLE), works=tuple(works))
    for match, inner in quoted[:1]:
        if library.authors.knows(inner):
            return replace(values, text=text[: match.start()] + inner + text[match.end() :])
        around = VENUE_BEFORE.search(text[: match.start()]) or VENUE_AFTER.match(text, match.end())
        if library.in_venue(inner) or (match[2] and around):
            return replace(_put(values, *match.span(), VENUE), venue=inner)
        return replace(_put(values, *match.span(), QUOTED), quoted=inner)
    return values


def _years(values: Values, this_year: int) -> Values:
    """Replace every mention of years; a year must fulfil all of them (since 2015 and before 2018)."""
    while found := find_years(values.text, this_year):
        spans = found.spans
        if values.years:
            pairs = [(a, b) for a in values.years for b in spans]
            spans = tuple((max(a[0], b[0]), min(a[1], b[1])) for a, b in pairs)
        values = replace(_put(values, found.start, found.end, YEARS), years=spans)
    return replace(values, text=re.sub(rf"{YEARS}(?:\W*(?:and|和)?\W*{YEARS})+", YEARS, values.text))


def _venue(values: Values, library: Library) -> Values:
    text = values.text
    if values.venue:
        return values
    leads = [lead.end() for lead in VENUE_LEAD.finditer(text)]
    leads += [word.start() for word in re.finditer(r"\b[A-Z]\w+ (?=[A-Z])", text)]
    for lead in leads:
        if end := _known_venue(text, lead, library):
            return replace(_put(values, lead, end, VENUE), venue=text[lead:end].strip())
    for key in sorted(library.han_venues, key=len, reverse=True):
        place = text.find(key)
        if place >= 0 and not HAN_TOPIC_BEFORE.search(text[:place]):
            return replace(_put(values, place, place + len(key), VENUE), venue=key)
    for pattern in NAMED_VENUES:
        if match := pattern.search(text):
            return replace(_put(values, *match.span(1), VENUE), venue=match[1])
    return values


def _known_venue(text: str, start: int, library: Library) -> int | None:
    """Return the end of the longest known venue that begins at `start`."""
    words = list(re.finditer(r"[^\s,;?？。!]+", text[start:]))[:_VENUE_WORDS]
    for word in reversed(words):
        name = text[start : start + word.end()]
        if any(mark in name for mark in (YEARS, TITLE, QUOTED)) or not library.is_venue(name.rstrip(".")):
            continue
        if name[0].isupper() or len(name.split()) > 1 or PAPERS_IN.search(text[:start]):
            return start + word.end()
    return None


def _authors(values: Values, library: Library) -> Values:
    while (found := _latin_authors(values, library)) != values:  # "papers by Lee with Park"
        values = found
    if re.search(f"[{HAN}]", values.text):
        values = _han_authors(values, library)
    return replace(values, text=re.sub(rf"{AUTHOR}(?:{JOINT.pattern}{AUTHOR})+", AUTHOR, values.text))


def _latin_authors(values: Values, library: Library) -> Values:
    text = values.text
    for lead in BY.finditer(text):
        if found := names_at(text, lead.end(), library, unknown=True):
            return _with_authors(values, lead.end(), found)
    for lead in DID.finditer(text):
        found = names_at(text, lead.end(), library, unknown=True)
        if found and AFTER_DID.match(text, found[0]):
            return _with_authors(values, lead.end(), found)
    for start in (match.start() for match in NAME_WORDS.finditer(text)):
        found = names_at(text, start, library, unknown=text[start].isupper())
        if not found:
            continue
        end, names, _ = found
        known = all(library.authors.knows(name) for name in names)
        verb = VERB_AFTER.match(text, end) and (known or not WORD.fullmatch(text[start:end]))
        if verb or (known and stands_as_author(text, start, end, names)):
            return _with_authors(values, start, found)
    return values


def _with_authors(values: Values, start: int, found: Found) -> Values:
    end, names, any_author = found
    if more := ET_AL.match(values.text, end):
        end = more.end()
    authors = (*values.authors, *names)
    return replace(_put(values, start, end, AUTHOR), authors=authors, any_author=any_author)


def _han_authors(values: Values, library: Library) -> Values:
    text, known = values.text, library.authors.han
    position = 0
    names: list[str] = []
    while position < len(text):
        length = next((n for n in (4, 3, 2) if text[position : position + n] in known), 0)
        ends = HAN_FOLLOWS.match(text, position + length)
        if length and ends and not HAN_TOPIC_BEFORE.search(text[:position]):
            names.append(text[position : position + length])
            text = text[:position] + AUTHOR + text[position + length :]
        position += 1
    if names:
        any_author = "或" in re.sub(rf"[^{AUTHOR}或]", "", text)
        return replace(values, text=text, authors=(*values.authors, *names), any_author=any_author)
    for pattern in (*HAN_NAMES, HAN_OWNER):
        match = pattern.search(text)
        if (
            not match
            or PEOPLE.search(match["name"])
            or not (match["name"][0].isascii() or is_han_name(match["name"]))
        ):
            continue
        if pattern is not HAN_OWNER or not library.titled(match["name"], part=True):
            values = _put(values, *match.span("name"), AUTHOR)
            return replace(values, authors=(*values.authors, match["name"]))
    return values
