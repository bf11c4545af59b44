"""Read a question about fields: who wrote, when, where, how many, the latest, by author, year and venue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal, TypedDict, get_args
from unicodedata import normalize

from rag.answering.fields.library import Library
from rag.answering.fields.tokens import Token, Tokens, tokenize
from rag.answering.fields.wording import Tag, WordingModel, ask_features, pairs_of, wording_model
from rag.answering.fields.years import Span
from rag.schema import Language
from rag.text.language import HAN, detect_language, to_simplified
from rag.text.numbers import number_values

Asked = Literal[
    "list", "authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords",
    "record", "citations", "affiliation", "pages", "other", "by author", "by year", "by venue",
]  # fmt: skip
OF_ONE_FIELD: frozenset[Asked] = frozenset(
    ("authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords", "record")
)
# Asked for, but kept of no paper.
UNRECORDED: frozenset[Asked] = frozenset(("citations", "affiliation", "pages", "other"))
GROUPED: frozenset[Asked] = frozenset(("by author", "by year", "by venue"))
# Probability from which a question is about fields if what it names is found, and from which it is in any
# case; higher leaves more to the language model. See docs/decisions.md#questions-about-fields
_LIKELY, _SURE = 0.6, 0.9
_LIKELY_OF_AUTHOR = 0.5  # the same where it names an author of the library in full
# Probabilities, by all words of a question and by those that the examples have, from which the language model
# may read it; higher asks it less often.
_GATE, _MAY_ASK = 0.4, 0.12
# Characters of the longest question about fields; what is longer is a text with a question in it.
_LONGEST = 400
_MOST_WANTED = 99  # papers; a larger number is no number of papers
_JOINT = re.compile(r"\s*(?:,?\s(?:and|or)\s|,|;|&|和|与|跟|、|及|或)\s*", re.IGNORECASE)
# What an author who is not in the library may be called: a word with a capital, or a Chinese name.
NAME = re.compile(rf"[^\W\d_a-z]\w|[{HAN}]{{2,4}}$")
EITHER = re.compile(r"\bor\b|或", re.IGNORECASE)
LANGUAGE_NAMES: tuple[tuple[Language, re.Pattern[str]], ...] = (
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
        also: more fields of each work that are asked for.
        not_authors, not_topic: who did not write the works, and what they are not about.
        without: fields that the works lack.
        guessed_topic: the topic is dropped if no work is on it, because it may be none.
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
    also: tuple[Asked, ...] = ()
    not_authors: tuple[str, ...] = ()
    not_topic: str | None = None
    without: tuple[Asked, ...] = ()
    guessed_topic: bool = False

    def names_known(self, library: Library) -> bool:
        """Return whether it surely asks for more than a topic, of authors and venues that are here."""
        more = self.authors or self.years or self.venue or self.works is not None or self.order
        more = more or self.written
        if not more and (self.topic or not self.sure):
            return False
        return self.names_only_known(library)

    def names_only_known(self, library: Library) -> bool:
        """Return whether the library has every author and the venue that are named, if any are."""
        in_venue = self.venue is None or bool(library.venues.find(self.venue))
        return in_venue and all(library.authors.knows(name) for name in self.authors)


def may_ask_fields(question: str) -> bool:
    """Return whether a question may be about fields; cheap, and wrong only on the safe side."""
    return len(question) <= _LONGEST and bool(question.strip())


@dataclass(frozen=True)
class Worded:
    """A question as the learned models see it: its tokens, their tags, and what its wording may ask."""

    question: str
    tokens: Tokens
    tags: Sequence[Tag]
    features: Sequence[str]
    model: WordingModel

    @cached_property
    def chances(self) -> dict[str, float]:
        """The probability of everything that may be asked, "none" among it."""
        return self.model.ask("asked", self.features)

    @cached_property
    def gate(self) -> float:
        """The probability, by all its words, that it is about fields."""
        return self.model.gate(self.tokens.tokens)

    @cached_property
    def likely(self) -> float:
        """The probability that it is about fields, by all its words or by those that the examples have."""
        return max(self.gate, 1 - self.chances.get("none", 0.0))

    def may_ask(self) -> bool:
        """Return whether it may be about fields."""
        return self.gate >= _GATE or 1 - self.chances.get("none", 0.0) >= _MAY_ASK

    def is_known(self) -> bool:
        """Return whether the examples have every word of its wording, so that the models can read it."""
        vocabulary, pairs = self.model.vocabulary, pairs_of(self.tokens.tokens, self.tags)
        words = [token.word for token in self.runs_of("wording") if token.word[0].isalnum()]
        plain = all(word in vocabulary for word in [*words, *pairs])
        alone = not any(self.spans("topic"))
        return plain and all(self._is_name(start, end, alone=alone) for start, end in self.spans("author"))

    def _is_name(self, start: int, end: int, *, alone: bool) -> bool:
        """Return whether what is tagged as an author is known, or surely a name: no part of it is known.

        Beside a topic, what is unknown may be part of that.
        """
        *inner, last = [token for token in self.tokens.tokens if start <= token.start < end]
        if "author ends" in last.known:
            return True
        known_part = any("author ends" in token.known for token in inner)
        return alone and not known_part and bool(NAME.match(self.tokens.text[start:end]))

    def runs_of(self, tag: Tag) -> Iterator[Token]:
        """Yield the tokens of a tag."""
        return (token for token, own in zip(self.tokens.tokens, self.tags, strict=True) if own == tag)

    def spans(self, wanted: Tag) -> Iterator[tuple[int, int]]:
        """Yield start and end of each run of one tag."""
        for tag, run in groupby(zip(self.tokens.tokens, self.tags, strict=True), key=lambda pair: pair[1]):
            own = [token for token, _ in run]
            if tag == wanted:
                yield own[0].start, own[-1].end

    def texts(self, wanted: Tag) -> list[str]:
        """Return the text of each run of one tag."""
        return [self.tokens.text[start:end] for start, end in self.spans(wanted)]


def word_question(
    question: str, library: Library, this_year: int, model: WordingModel | None = None
) -> Worded:
    """Return a question as the learned models see it.

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
    return Worded(question, tokens, tags, ask_features(tokens.tokens, tags, model.vocabulary), model)


def read_field_question(worded: Worded, library: Library) -> FieldQuestion | None:
    """Return what a question asks of the fields of a library, None if it is about something else."""
    tokens, tags = worded.tokens, worded.tags
    chances = dict(worded.chances)
    likely = 1 - chances.pop("none", 0.0)
    asked = _asked(_likeliest(chances))
    authors = tuple(name for part in worded.texts("author") for name in _names(part, library))
    known = bool(authors) and all(" " in name.strip() and library.authors.knows(name) for name in authors)
    if likely < (_LIKELY_OF_AUTHOR if known else _LIKELY) or asked is None:
        return None
    topic = " ".join(_topic(part) for part in worded.texts("topic")) or None
    said = " ".join(worded.texts("wording"))
    # Values without a verb are about fields only if something is found.
    verbal = any(token.word[0].isalpha() for token in worded.runs_of("wording"))
    read = FieldQuestion(
        detect_language(worded.question),
        asked,
        authors,
        bool(EITHER.search(_between(tokens, tags, "author"))),
        tokens.years,
        next((bare(part) for part in worded.texts("venue")), None),
        tokens.works,
        topic,
        as_title=likely < _SURE and asked in OF_ONE_FIELD and topic is not None,
        sure=likely >= _SURE and (topic is None or verbal),
        written=next((language for language, name in LANGUAGE_NAMES if name.search(said)), None),
        **_manner(worded.model, worded.features, said),
    )
    return read if _is_complete(read, library) else None


def needs_reading(worded: Worded, library: Library) -> bool:
    """Return whether a question may be about fields, but not in words that the models can read."""
    return worded.may_ask() and not (worded.is_known() and read_field_question(worded, library))


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
    return max(numbers_of_papers(said), default=None)


def numbers_of_papers(text: str) -> list[int]:
    """Return the numbers in a text that may say how many papers are wanted."""
    return [int(number) for number in number_values(text) if 1 <= number <= _MOST_WANTED]


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


def _between(tokens: Tokens, tags: Sequence[Tag], wanted: Tag) -> str:
    """Return the text from the first token of a tag to the last."""
    own = [token for token, tag in zip(tokens.tokens, tags, strict=True) if tag == wanted]
    return tokens.text[own[0].start : own[-1].end] if own else ""


def _names(text: str, library: Library) -> list[str]:
    """Return the names in a text: one if an author is written so, else those between "and" and commas."""
    whole = bare(text)
    if library.authors.knows(whole):
        return [whole]
    return [name for part in _JOINT.split(whole) if (name := bare(part))]


def bare(text: str) -> str:
    """Return a value without the punctuation around it."""
    return text.strip(" \t\n.,;:'\"“”‘’《》「」()（），。、")


def _topic(text: str) -> str:
    return text.strip(" \t\n,;:?!'\"“”‘’《》「」，。、？！的")
