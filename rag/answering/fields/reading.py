"""Have the language model read a question about fields: it writes a query, which the catalogue answers.

People ask for authors, years and venues in more ways than any list of wordings holds. The query is JSON. A
grammar keeps it to the fields that there are, and to the names and venues that stand in the question.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast

from rag.answering.fields.query import Query, parse_query, query_grammar
from rag.answering.fields.query_prompt import query_prefix, query_turn
from rag.answering.fields.question import (
    OF_ONE_FIELD,
    UNRECORDED,
    Asked,
    FieldQuestion,
    Worded,
    bare,
)
from rag.answering.fields.tokens import QUOTED
from rag.answering.fields.values import Values, find_values, without_values
from rag.llm.base import LLM, Message
from rag.schema import LANGUAGES
from rag.text.analyzer import analyze
from rag.text.language import HAN, detect_language

_MOST_TOKENS = 120  # of the longest query; a longer one is cut off and so not read
_LOG = logging.getLogger(__name__)
_HAN = re.compile(f"[{HAN}]")
# Probability, by the words alone, that no order is asked for, from which none is; higher orders more.
_UNORDERED = 0.9
# Probability from which it is about fields even if no such work is found; higher asks abstracts more.
_SURE = 0.8
# Share of the chances of all fields from which the words alone name one if the model did not; higher, fewer.
_FIELD = 0.6


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


def to_field_question(query: Query, worded: Worded, values: Values) -> FieldQuestion | None:
    """Return a query as the catalogue answers it; None if it names nothing that records hold."""
    tokens = worded.tokens
    fields = tuple(cast(Asked, name) for name in query.show if name != "papers") or _field(worded)
    asked: Asked = cast(Asked, f"by {query.per}") if query.per else fields[0] if fields else "list"
    authors, topic = [name for name in query.by if name in values.names], query.about
    if topic and bare(topic) in values.names:  # a small model takes a name alone for a topic
        authors, topic = [*authors, bare(topic)], None
    topic, not_topic = _said(topic, worded), _said(query.not_about, worded)
    written = query.language if query.language in values.languages else None
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
        written=next((language for language in LANGUAGES if language == written), None),
        one=query.one or (order is not None and bool(fields)),
        order=order,
        most=query.per is not None,
        limit=query.limit if query.limit in values.numbers else None,
        also=fields[1:],
        not_authors=tuple(name for name in query.not_by if name in values.names and name not in authors),
        not_topic=not_topic,
        without=tuple(cast(Asked, name) for name in query.without),
    )
    if worded.likely < _SURE:  # a question of science may look like one about fields
        by_title = asked in OF_ONE_FIELD and read.topic is not None and not (authors or read.venue)
        read = replace(read, sure=False, as_title=by_title)
        if not (
            by_title or authors or read.not_authors or read.venue or read.works or read.without or query.per
        ):
            return None
    named = read.authors or read.not_authors or read.years or read.venue or read.works is not None
    if topic is None and guessed and not read.as_title and (named or read.written or read.without):
        read = replace(read, guessed_topic=True)
    more = named or read.written or read.without or read.order or query.per
    return read if more or bool(read.topic) == bool(fields) else None


def _said(topic: str | None, worded: Worded) -> str | None:
    """Return a topic if the question has a word of it that is no wording; a small model may invent one."""
    if topic is None or not {*analyze(topic)} & {*analyze(without_values(worded.tokens, QUOTED))}:
        return None
    own = {token.word for token in worded.runs_of("wording")} & worded.model.vocabulary
    words = [t.word for t in worded.tokens.tokens if t.word[0].isalnum() and t.word in topic.lower()]
    return None if words and all(word in own for word in words) else topic


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
