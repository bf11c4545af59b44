"""A question in tokens: words, Chinese characters, and one token for each value that is certain by its form.

Identifiers, titles, quotations and years are found here. Names of authors and venues are only marked as
known, because "Young" and "Cell" are words too; `rag.answering.fields.wording` decides by the words around.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rag.answering.fields.library import Library
from rag.answering.fields.years import Span, find_years, spelled_years
from rag.text.language import HAN
from rag.text.names import is_han_surname

YEARS, TITLE, QUOTED = "<years>", "<title>", "<quoted>"
_NAME_WORDS, _VENUE_WORDS = 5, 10  # tokens of the longest name and the longest venue that are looked up
_HAN_NAME = (4, 3, 2)  # characters
_TOKEN = re.compile(
    rf"[{HAN}]|\d+|(?:(?![{HAN}_\d])\w)+(?:['.&-](?!s\b|language\b)(?:(?![{HAN}_\d])\w)+)*|'s\b|[^\s]"
)
_QUOTES = re.compile(
    r"[\"“”„]([^\"“”„]{2,300})[\"“”]|《([^《》]{2,200})》|「([^「」]{2,200})」"
    r"|(?<!\w)['‘]([^'‘’]{6,300})['’](?!\w)"
)
_IDENTIFIER_LEAD = re.compile(
    r"(?:https?://(?:dx\.)?(?:doi|arxiv)\.org/(?:abs/)?|(?:arxiv|doi|pmid)[: ]*)$", re.IGNORECASE
)


_ENDS_NAME = re.compile(f"[<?？{HAN}]")  # no Latin name goes on after it


@dataclass(slots=True)
class Token:
    """A piece `text[start:end]` of a question: what it is compared by, and what the library knows of it."""

    word: str
    start: int
    end: int
    capital: bool = False
    known: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Tokens:
    """The tokens of a question, and the values among them."""

    text: str
    tokens: list[Token]
    years: tuple[Span, ...] = ()
    works: tuple[int, ...] | None = None


def tokenize(question: str, library: Library, this_year: int) -> Tokens:
    """Cut a question into tokens.

    Args:
        question: in Simplified characters and NFKC.
        library: what is known.
        this_year: what "last year" counts from.
    """
    text = spelled_years(question)
    found = Tokens(text, [])
    values = _titles(found, library)
    values += _years(found, [(v.start, v.end) for v in values], this_year)
    position = 0
    for value in [*sorted(values, key=lambda value: value.start), Token("", len(text), len(text))]:
        found.tokens += _words(text, position, value.start)
        found.tokens.append(value)
        position = value.end
    found.tokens.pop()
    _mark_known(found, library)
    return found


def _words(text: str, start: int, end: int) -> Iterator[Token]:
    for match in _TOKEN.finditer(text, start, end):
        yield Token(match[0].lower(), match.start(), match.end(), match[0][0].isupper())


def _titles(found: Tokens, library: Library) -> list[Token]:
    """Return an identifier or a title that the library has, else the quotations."""
    text = found.text
    if hit := library.find_identifier(text):
        start, end, works = hit
        lead = _IDENTIFIER_LEAD.search(text[:start])
        found.works = tuple(works)
        return [Token(TITLE, lead.start() if lead else start, end)]
    quoted = [(match, next(filter(None, match.groups()))) for match in _QUOTES.finditer(text)]
    for match, inner in quoted:
        if titled := library.titled(inner):
            found.works = tuple(titled)
            return [Token(TITLE, *match.span())]
    if hit := library.find_title(text):
        start, end, works = hit
        start -= text[max(0, start - 1) : start] in tuple("\"“'《‘")
        end += text[end : end + 1] in tuple("\"”'》’")
        found.works = tuple(works)
        return [Token(TITLE, start, end)]
    tokens = [Token(QUOTED, *match.span(), known={f"quote {match[0][0]}"}) for match, _ in quoted[:1]]
    for token, (_, inner) in zip(tokens, quoted, strict=False):
        token.known |= {"author whole"} if library.authors.knows(inner) else set()
        token.known |= {"venue whole"} if library.venues.find(inner) else set()
    return tokens


def _years(found: Tokens, taken: list[tuple[int, int]], this_year: int) -> list[Token]:
    """Return every mention of years; a year must fulfil all of them (since 2015 and before 2018)."""
    hidden = list(found.text)
    for start, end in taken:
        hidden[start:end] = "\n" * (end - start)
    tokens: list[Token] = []
    while years := find_years("".join(hidden), this_year):
        spans = years.spans
        if found.years:
            pairs = [(a, b) for a in found.years for b in spans]
            spans = tuple((max(a[0], b[0]), min(a[1], b[1])) for a, b in pairs)
        found.years = spans
        hidden[years.start : years.end] = "\n" * (years.end - years.start)
        tokens.append(Token(YEARS, years.start, years.end))
    return tokens


def _mark_known(found: Tokens, library: Library) -> None:
    """Mark the tokens that the library has in names of authors and venues, and in titles."""
    tokens, text = found.tokens, found.text
    for i, token in enumerate(tokens):
        if token.word.startswith("<"):
            continue
        han = re.fullmatch(f"[{HAN}]", token.word) is not None
        if han and is_han_surname(token.word):
            token.known.add("surname")
        if library.has_in_title(text[token.start : token.end + han]):
            token.known.add("in title")
        if not token.word[0].isalnum():
            continue
        spans = _han_spans if han else _latin_spans
        for kind, last in spans(found, i, library):
            _mark(tokens[i : last + 1], kind)


def _mark(tokens: list[Token], kind: str) -> None:
    if any(known.startswith(kind) for known in tokens[0].known):
        return  # inside a longer one that began before
    size = "long" if len(tokens) > 1 else "short"
    for i, token in enumerate(tokens):
        token.known.add(f"{kind} {size} {'begins' if i == 0 else 'goes on'}")
    tokens[-1].known.add(f"{kind} ends")


def _han_spans(found: Tokens, first: int, library: Library) -> Iterator[tuple[str, int]]:
    start = found.tokens[first].start
    length = next((n for n in _HAN_NAME if found.text[start : start + n] in library.authors.han), 0)
    if length:
        yield "author", first + length - 1
    if venue := library.venues.han_at(found.text, start):
        yield "venue", first + len(venue) - 1


def _latin_spans(found: Tokens, first: int, library: Library) -> Iterator[tuple[str, int]]:
    """Yield the longest known author and the longest known venue that begin at a token."""
    tokens, text = found.tokens, found.text
    if not library.begins_value(tokens[first].word):
        return
    last = next(
        (i for i in range(first, len(tokens)) if _ENDS_NAME.match(tokens[i].word)),
        len(tokens),
    )
    for kind, longest, known in (
        ("author", _NAME_WORDS + 2, library.authors.knows),
        ("venue", _VENUE_WORDS, library.venues.has),
    ):
        for end in range(min(last, first + longest) - 1, first - 1, -1):
            if tokens[end].word[0].isalpha() and known(text[tokens[first].start : tokens[end].end]):
                yield kind, end
                break
