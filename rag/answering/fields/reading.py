"""Have the language model read a question about fields: it writes a query, which the catalogue answers.

People ask for authors, years and venues in more ways than any list of wordings holds. The query is JSON. A
grammar keeps it to the fields that there are, and to the names and venues that stand in the question.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from rag.answering.fields.query_prompt import query_prefix, query_turn
from rag.answering.fields.question import (
    EITHER,
    LANGUAGE_NAMES,
    NAME,
    OF_ONE_FIELD,
    UNRECORDED,
    Asked,
    FieldQuestion,
    Worded,
    bare,
)
from rag.answering.fields.tokens import QUOTED, Tokens
from rag.answering.fields.wording import Tag
from rag.answering.fields.years import FIRST_YEAR, LAST_YEAR, Span
from rag.llm.base import LLM, Message
from rag.text.analyzer import analyze
from rag.text.language import HAN, detect_language
from rag.text.numbers import number_values

# Fields of a record that a query may show or count by, and those that may be empty.
SHOWN = ("papers", "authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords", "other")
COUNTED_BY = ("author", "year", "venue")
MISSING = ("authors", "year", "venue", "doi", "keywords")
ORDERS = ("newest", "oldest")
# Tokens of the longest query; a longer one is cut off and so not read.
_MOST_TOKENS = 120
_MOST_WANTED = 99  # papers
_LOG = logging.getLogger(__name__)
_HAN = re.compile(f"[{HAN}]")
_BEFORE = re.compile(r"^(?:in|of|at|from|on|by)\s+", re.IGNORECASE)  # before a venue
# Probability, by the words alone, that no order is asked for, from which none is; higher orders more.
_UNORDERED = 0.9
# Probability from which it is about fields even if no such work is found; higher asks abstracts more.
_SURE = 0.5
# Share of the chances of all fields from which the words alone name one if the model did not; higher, fewer.
_FIELD = 0.6


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
    quoted = [tokens.text[t.start + 1 : t.end - 1] for t in tokens.tokens if t.word == QUOTED]
    numbers = [int(number) for number in number_values(_hidden(tokens)) if 1 <= number <= _MOST_WANTED]
    return Values(
        tuple(names),
        tuple(dict.fromkeys([*(_BEFORE.sub("", venue) for venue in _values_of(worded, "venue")), *quoted])),
        tokens.years,
        tuple(dict.fromkeys(numbers)),
        tuple(language for language, pattern in LANGUAGE_NAMES if pattern.search(tokens.text)),
        tokens.works is not None,
        bool(EITHER.search(tokens.text)),
    )


def _hidden(tokens: Tokens) -> str:
    """Return the text without years, identifiers, titles and quotations."""
    text = tokens.text
    for token in tokens.tokens:
        if token.word.startswith("<"):
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
        tagged = [(start, end) for start, end in tagged if NAME.match(text[start:end])]
    found = [bare(text[start:end]) for start, end in sorted([*known, *tagged])]
    return list(dict.fromkeys(name for name in found if name))


def _known_spans(tokens: Tokens, kind: str) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for token in tokens.tokens:
        known = [known for known in token.known if known.startswith(kind)]
        if any(each.endswith("begins") for each in known):
            start = token.start
        if f"{kind} ends" in known and start is not None:
            yield start, token.end
            start = None


def _quoted(tokens: Tokens) -> Iterator[str]:
    for token in tokens.tokens:
        if token.word == QUOTED:
            yield tokens.text[token.start + 1 : token.end - 1]


@dataclass(frozen=True, slots=True)
class Query:
    """What the model read; see `QUERY_SYSTEM` for the keys."""

    show: tuple[str, ...]
    by: tuple[str, ...] = ()
    not_by: tuple[str, ...] = ()
    any: bool = False
    about: str | None = None
    not_about: str | None = None
    venue: str | None = None
    order: str | None = None
    limit: int | None = None
    per: str | None = None
    language: str | None = None
    without: tuple[str, ...] = ()
    one: bool = False


def read_with_llm(llm: LLM, worded: Worded) -> FieldQuestion | None:
    """Return what a question asks of the fields of a library; None if it is about something else.

    Raises:
        LLMError, ModelError: the model failed.
    """
    values = find_values(worded)
    messages = [*query_prefix(), Message("user", query_turn(worded.tokens.text, values.told()))]
    grammar = query_grammar(values) if llm.supports_grammar else None
    query = parse_query(llm.complete(messages, max_tokens=_MOST_TOKENS, grammar=grammar))
    _LOG.debug("read %r with %s as %s", worded.question, values, query)
    return to_field_question(query, worded, values) if query else None


def parse_query(reply: str) -> Query | None:
    """Return the query in a reply; None if it holds none."""
    found = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        row = json.loads(found[0]) if found else {}
    except ValueError:
        return None
    shown = tuple(name for name in _texts(row, "show") if name in SHOWN) if isinstance(row, dict) else ()
    if not shown:
        return None
    return Query(
        show=shown,
        by=_texts(row, "by"),
        not_by=_texts(row, "not_by"),
        any=row.get("any") is True,
        about=_text(row, "about"),
        not_about=_text(row, "not_about"),
        venue=_text(row, "in"),
        order=row.get("order") if row.get("order") in ORDERS else None,
        limit=_number(row, "limit"),
        per=row.get("per") if row.get("per") in COUNTED_BY else None,
        language=row.get("language") if row.get("language") in ("en", "zh") else None,
        without=tuple(name for name in _texts(row, "without") if name in MISSING),
        one=row.get("one") is True,
    )


def to_field_question(query: Query, worded: Worded, values: Values) -> FieldQuestion | None:
    """Return a query as the catalogue answers it; None if it names nothing that records hold."""
    tokens = worded.tokens
    fields = tuple(cast(Asked, name) for name in query.show if name != "papers") or _field(worded)
    asked: Asked = cast(Asked, f"by {query.per}") if query.per else fields[0] if fields else "list"
    authors, topic = [name for name in query.by if name in values.names], query.about
    if topic and bare(topic) in values.names:  # a small model takes a name alone for a topic
        authors, topic = [*authors, bare(topic)], None
    topic, not_topic = _said(topic, worded), _said(query.not_about, worded)
    guessed = None if not_topic else _topic(worded)
    unordered = worded.model.ask("order", worded.features).get("none", 0.0) >= _UNORDERED
    order = None if unordered else cast(Literal["newest", "oldest"] | None, query.order)
    read = FieldQuestion(
        detect_language(worded.question),
        asked,
        tuple(dict.fromkeys(authors)),
        query.any and values.either,
        tokens.years,
        query.venue if query.venue in values.venues else None,
        tokens.works,
        None if tokens.works else topic or guessed,
        written="en" if query.language == "en" else "zh" if query.language == "zh" else None,
        one=query.one or (order is not None and bool(fields)),
        order=order,
        most=query.per is not None,
        limit=query.limit if query.limit in values.numbers else None,
        also=fields[1:],
        not_authors=tuple(name for name in query.not_by if name in values.names and name not in authors),
        not_topic=not_topic,
        without=tuple(cast(Asked, name) for name in query.without),
        guessed_topic=topic is None,
    )
    if worded.likely < _SURE:  # a question of science may look like one about fields
        by_title = asked in OF_ONE_FIELD and read.topic is not None
        read = replace(read, sure=False, as_title=by_title and not (authors or query.venue))
    named = read.authors or read.not_authors or read.years or read.venue or read.works is not None
    more = named or read.written or read.without or read.order or query.per
    return read if more or bool(read.topic) == bool(fields) else None


def _said(topic: str | None, worded: Worded) -> str | None:
    """Return a topic if the question has a word of it that is no wording; a small model may invent one."""
    if topic is None or not {*analyze(topic)} & {*analyze(_hidden(worded.tokens))}:
        return None
    own = {token.word for token in worded.runs_of("wording")} & worded.model.vocabulary
    words = [t.word for t in worded.tokens.tokens if t.word.isalnum() and t.word in topic.lower()]
    return topic if any(word not in own for word in words) else None


def _field(worded: Worded) -> tuple[Asked, ...]:
    """Return the field that the words alone ask for, if they do so plainly."""
    chances = {label: chance for label, chance in worded.chances.items() if label != "none"}
    likely = max(chances, key=lambda label: chances[label])
    plain = likely in OF_ONE_FIELD | UNRECORDED and chances[likely] >= _FIELD * sum(chances.values())
    return (cast(Asked, likely),) if plain and likely != "record" else ()


def _topic(worded: Worded) -> str | None:
    """Return what is tagged as the topic, else the words of titles that no wording has."""
    tokens, text = worded.tokens.tokens, worded.tokens.text
    tagged = [
        text[start:end]
        for start, end in worded.spans("topic")
        if any("in title" in token.known for token in tokens if start <= token.start < end)
    ]
    if tagged:
        return " ".join(tagged)
    told: list[tuple[int, int]] = []
    for token, tag, after in zip(tokens, worded.tags, [*tokens[1:], None], strict=True):
        if tag not in ("topic", "wording") or "in title" not in token.known:
            continue
        # Of Chinese characters, a pair is in a title.
        end = after.end if after and _HAN.match(token.word) else token.end
        if text[token.start : end].lower() not in worded.model.vocabulary:
            told.append((token.start, end))
    return _joined(text, told) or None


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the text of spans in order; those that touch or overlap are one."""
    parts: list[tuple[int, int]] = []
    for start, end in spans:
        if parts and start <= parts[-1][1]:
            parts[-1] = parts[-1][0], max(end, parts[-1][1])
        else:
            parts.append((start, end))
    return " ".join(text[start:end] for start, end in parts)


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = row.get(key)
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    return value.strip() or None if isinstance(value, str) else None


def _number(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _choice(values: Iterable[str]) -> str:
    return (
        "("
        + " | ".join(
            json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False) for value in values
        )
        + ")"
    )


def query_grammar(values: Values) -> str:
    """Return the GBNF grammar of a query: each key at most once, in one order, and no value but these."""
    name = _choice(values.names)
    names = f'"[" {name} ("," {name}){{0,3}} "]"'
    missing = _choice(MISSING)
    keys = {"about": "text", "not_about": "text"}
    if values.names:
        keys |= {"by": names, "not_by": names}
    if values.either:
        keys["any"] = '"true"'
    if values.venues:
        keys["in"] = _choice(values.venues)
    keys["order"] = _choice(ORDERS)
    if values.numbers:
        keys["limit"] = "(" + " | ".join(f'"{number}"' for number in values.numbers) + ")"
    keys["per"] = _choice(COUNTED_BY)
    if values.languages:
        keys["language"] = _choice(values.languages)
    keys |= {"without": f'"[" {missing} ("," {missing})? "]"', "one": '"true"'}
    rest = " ".join(f'(",\\"{key}\\":" {value})?' for key, value in keys.items())
    shown = f'{_choice(SHOWN)} ("," {_choice(SHOWN)}){{0,2}}'
    return (
        f'root ::= "{{}}" | "{{\\"show\\":[" {shown} "]" {rest} "}}"\n'
        'text ::= "\\"" [^"\\\\\\n]{1,80} "\\""\n'
    )
