"""Read a question about fields: who wrote, when, where, how many, the latest, by author, year and venue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypedDict, get_args
from unicodedata import normalize

from rag.answering.fields.library import Library
from rag.answering.fields.tokens import Tokens, tokenize
from rag.answering.fields.wording import Tag, WordingModel, ask_features, wording_model
from rag.answering.fields.years import Span
from rag.schema import Language
from rag.text.language import detect_language, to_simplified
from rag.text.numbers import number_values

Asked = Literal[
    "list", "authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords",
    "record", "citations", "affiliation", "pages", "by author", "by year", "by venue",
]  # fmt: skip
OF_ONE_FIELD: frozenset[Asked] = frozenset(
    ("authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords", "record")
)
# Asked for, but kept of no paper.
UNRECORDED: frozenset[Asked] = frozenset(("citations", "affiliation", "pages"))
GROUPED: frozenset[Asked] = frozenset(("by author", "by year", "by venue"))
# Probability from which a question is about fields if what it names is found, and from which it is in any
# case; higher leaves more to the language model. See docs/decisions.md#questions-about-fields
_LIKELY, _SURE = 0.6, 0.9
_LIKELY_OF_AUTHOR = 0.5  # the same where it names an author of the library in full
# Characters of the longest question about fields; what is longer is a text with a question in it.
_LONGEST = 400
_MOST_WANTED = 99  # papers; a larger number is no number of papers
_JOINT = re.compile(r"\s*(?:,?\s(?:and|or)\s|,|;|&|和|与|跟|、|及|或)\s*", re.IGNORECASE)
_EITHER = re.compile(r"\bor\b|或", re.IGNORECASE)
_LANGUAGES: tuple[tuple[Language, re.Pattern[str]], ...] = (
    ("zh", re.compile(r"\b(?:chinese|mandarin)\b|中文|汉语", re.IGNORECASE)),
    ("en", re.compile(r"\benglish\b|英文|英语", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class FieldQuestion:
    """What is asked of which works; all conditions that are set must hold.

    Attributes:
        asked: a list, one field of each work, or works counted by a field.
        authors: who wrote the works: all of them, or with `any_author` one.
        works: numbers of the works that the question names by title or identifier; empty: of no known work.
        topic: what the works are about. With `as_title` only a title that holds it all will do.
        sure: if not, the question is about fields only if works are found.
        one: the question speaks of one paper.
        order: newest or oldest first, only the first of them if no `limit` is set and `one`.
        most: count by how many works have a value, also years.
    """

    language: Language
    asked: Asked
    authors: tuple[str, ...] = ()
    any_author: bool = False
    years: tuple[Span, ...] = ()
    venue: str | None = None
    works: tuple[int, ...] | None = None
    topic: str | None = None
    as_title: bool = False
    sure: bool = True
    written: Language | None = None
    one: bool = False
    order: Literal["newest", "oldest"] | None = None
    most: bool = False
    limit: int | None = None

    def names_known(self, library: Library) -> bool:
        """Return whether it surely asks for more than a topic, of authors and venues that are here."""
        more = self.authors or self.years or self.venue or self.works is not None or self.order
        more = more or self.written
        if not more and (self.topic or not self.sure):
            return False
        in_venue = self.venue is None or bool(library.venues.find(self.venue))
        return in_venue and all(library.authors.knows(name) for name in self.authors)


def may_ask_fields(question: str) -> bool:
    """Return whether a question may be about fields; cheap, and wrong only on the safe side."""
    return len(question) <= _LONGEST and bool(question.strip())


def read_field_question(
    question: str, library: Library, this_year: int, model: WordingModel | None = None
) -> FieldQuestion | None:
    """Return what a question asks of the fields of a library, None if it is about something else.

    Args:
        question: in any language and script.
        library: what is known.
        this_year: what "last year" counts from.
        model: instead of the models that are shipped.
    """
    model = model or wording_model()
    text = to_simplified(normalize("NFKC", question)).replace("’", "'").strip()
    tokens = tokenize(text, library, this_year)
    tags = model.tag(tokens.tokens)
    features = ask_features(tokens.tokens, tags, model.vocabulary)
    chances = model.ask("asked", features)
    likely = 1 - chances.pop("none", 0.0)
    asked = _asked(_likeliest(chances))
    spans = {tag: list(_spans(tokens, tags, tag)) for tag in get_args(Tag)}
    authors = tuple(name for part in spans["author"] for name in _names(part, library))
    known = bool(authors) and all(" " in name.strip() and library.authors.knows(name) for name in authors)
    if likely < (_LIKELY_OF_AUTHOR if known else _LIKELY) or asked is None:
        return None
    topic = " ".join(_topic(part) for part in spans["topic"]) or None
    said = " ".join(spans["wording"])
    # Values without a verb are about fields only if something is found.
    verbal = any(t.word[0].isalpha() for t, tag in zip(tokens.tokens, tags, strict=True) if tag == "wording")
    read = FieldQuestion(
        detect_language(question),
        asked,
        authors,
        bool(_EITHER.search(_between(tokens, tags, "author"))),
        tokens.years,
        next((_bare(part) for part in spans["venue"]), None),
        tokens.works,
        topic,
        as_title=likely < _SURE and asked in OF_ONE_FIELD and topic is not None,
        sure=likely >= _SURE and (topic is None or verbal),
        written=next((language for language, name in _LANGUAGES if name.search(said)), None),
        **_manner(model, features, said),
    )
    return read if _is_complete(read, library) else None


class _Manner(TypedDict):
    one: bool
    order: Literal["newest", "oldest"] | None
    most: bool
    limit: int | None


def _manner(model: WordingModel, features: Sequence[str], said: str) -> _Manner:
    """Return whether one paper is meant, in what order, and how many are wanted."""
    order = _likeliest(model.ask("order", features))
    return {
        "one": _likeliest(model.ask("one", features)) == "one",
        "order": "newest" if order == "newest" else "oldest" if order == "oldest" else None,
        "most": order == "most",
        "limit": _limit(said) if order in ("newest", "oldest") else None,
    }


def _asked(label: str) -> Asked | None:
    label = "list" if label == "topic" else label
    return next((asked for asked in get_args(Asked) if asked == label), None)


def _limit(said: str) -> int | None:
    """Return how many papers are wanted, as in "the three newest"."""
    numbers = [int(number) for number in number_values(said) if 1 <= number <= _MOST_WANTED]
    return max(numbers, default=None)


def _likeliest(chances: dict[str, float]) -> str:
    return max(chances, key=lambda label: chances[label])


def _is_complete(read: FieldQuestion, library: Library) -> bool:
    """Return whether the question says of which works it asks, so that no earlier turn has to."""
    named = bool(read.authors or read.years or read.venue or read.works is not None or read.order)
    venue_known = read.venue is None or library.venues.find(read.venue)
    authors_known = all(library.authors.knows(name) for name in read.authors)
    if not (read.sure and read.asked not in UNRECORDED) and not (venue_known and authors_known):
        return False
    if any(char.isdigit() for name in read.authors for char in name):
        return False
    if read.asked in GROUPED or read.asked in UNRECORDED:
        return read.asked in GROUPED or read.sure
    return named or (read.topic is not None and (read.asked != "list" or read.sure))


def _spans(tokens: Tokens, tags: Sequence[Tag], wanted: Tag) -> Iterator[str]:
    """Yield the text of each run of one tag."""
    for tag, run in groupby(zip(tokens.tokens, tags, strict=True), key=lambda pair: pair[1]):
        own = [token for token, _ in run]
        if tag == wanted:
            yield tokens.text[own[0].start : own[-1].end]


def _between(tokens: Tokens, tags: Sequence[Tag], wanted: Tag) -> str:
    """Return the text from the first token of a tag to the last."""
    own = [token for token, tag in zip(tokens.tokens, tags, strict=True) if tag == wanted]
    return tokens.text[own[0].start : own[-1].end] if own else ""


def _names(text: str, library: Library) -> list[str]:
    """Return the names in a text: one if an author is written so, else those between "and" and commas."""
    whole = _bare(text)
    if library.authors.knows(whole):
        return [whole]
    return [name for part in _JOINT.split(whole) if (name := _bare(part))]


def _bare(text: str) -> str:
    return text.strip(" \t\n.,;:'\"“”‘’《》「」()（），。、")


def _topic(text: str) -> str:
    return text.strip(" \t\n,;:?!'\"“”‘’《》「」，。、？！的")
