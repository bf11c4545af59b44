"""The values in a question about fields, so that a query of the language model names no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.answering.fields.question import EITHER, LANGUAGE_NAMES, NAME, Worded, bare, numbers_of_papers
from rag.answering.fields.tokens import QUOTED, Tokens
from rag.answering.fields.wording import Tag
from rag.answering.fields.years import FIRST_YEAR, LAST_YEAR, Span

_BEFORE = re.compile(r"^(?:in|of|at|from|on|by)\s+", re.IGNORECASE)  # before a venue


@dataclass(frozen=True, slots=True)
class Values:
    """The values that stand in a question: what a query may name, so that a model invents none."""

    names: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    years: tuple[Span, ...] = ()
    numbers: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    identified: bool = False
    either: bool = False

    def told(self) -> str:
        """Return the values as a chat tells them to the model."""
        parts = [
            ("names ", ", ".join(self.names)),
            ("journals ", ", ".join(self.venues)),
            ("years ", ", ".join(_span_text(span) for span in self.years)),
            ("numbers ", ", ".join(map(str, self.numbers))),
            ("languages ", ", ".join(self.languages)),
            ("identifier", " " if self.identified else ""),
        ]
        return "; ".join((name + value).strip() for name, value in parts if value)


def _span_text(span: Span) -> str:
    first, last = span
    if first == last:
        return str(first)
    if last == LAST_YEAR:
        return f"since {first}"
    return f"until {last}" if first == FIRST_YEAR else f"{first}-{last}"


def find_values(worded: Worded) -> Values:
    """Return the values in a question; names and venues are those that are known or tagged."""
    tokens, vocabulary = worded.tokens, worded.model.vocabulary
    names = [
        name
        for name in _values_of(worded, "author")
        if not all(w in vocabulary for w in name.lower().split())
    ]
    quoted = [bare(tokens.text[t.start : t.end]) for t in tokens.tokens if t.word == QUOTED]
    numbers = numbers_of_papers(without_values(tokens))
    return Values(
        tuple(names),
        tuple(dict.fromkeys([*(_BEFORE.sub("", venue) for venue in _values_of(worded, "venue")), *quoted])),
        tokens.years,
        tuple(dict.fromkeys(numbers)),
        tuple(language for language, pattern in LANGUAGE_NAMES if pattern.search(tokens.text)),
        tokens.works is not None,
        bool(EITHER.search(tokens.text)),
    )


def without_values(tokens: Tokens, *kept: str) -> str:
    """Return the text without years, identifiers, titles and quotations, but for those `kept`."""
    text = tokens.text
    for token in tokens.tokens:
        if token.word.startswith("<") and token.word not in kept:
            text = text[: token.start] + " " * (token.end - token.start) + text[token.end :]
    return text


def _values_of(worded: Worded, kind: Tag) -> list[str]:
    """Return the known values of a kind, and what is tagged as one and overlaps with none of them."""
    known = list(_known_spans(worded.tokens, kind))
    tagged = [
        (start, end) for start, end in worded.spans(kind) if not any(a < end and start < b for a, b in known)
    ]
    text = worded.tokens.text
    if kind == "author":
        titled = {token.start for token in worded.tokens.tokens if "in title" in token.known}
        known = [(a, b) for a, b in known if _may_be_name(text[a:b], in_title=a in titled)]
        tagged = [(a, b) for a, b in tagged if NAME.match(text[a:b])]
    found = [bare(text[start:end]) for start, end in sorted([*known, *tagged])]
    return list(dict.fromkeys(name for name in found if name))


def _may_be_name(text: str, *, in_title: bool) -> bool:
    """Return whether a name that the library knows may be meant as one: a large library knows most words."""
    if any(char.isdigit() for char in text) or len(text) == 1:
        return False
    return bool(NAME.match(text)) or not in_title


def _known_spans(tokens: Tokens, kind: str) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for token in tokens.tokens:
        known = [known for known in token.known if known.startswith(kind)]
        if any(each.endswith("begins") for each in known):
            start = token.start
        if f"{kind} ends" in known and start is not None:
            yield start, token.end
            start = None
