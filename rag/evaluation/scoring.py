"""Score answers against what a question asks for; pure, on the JSON of an answer."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from rag.evaluation.datasets.records import Query
from rag.evaluation.qrels import QueryWithQrels
from rag.schema import Language
from rag.text.language import detect_language

_MARKER = re.compile(r"\s*\[\d+(?:\s*[,;、]\s*\d+)*\]")
# Only an answer that says it in so many words is mapped; "No significant difference was found" is not.
_DECIDED = re.compile(r"\W*(yes|no|maybe)(?=\s*(?:[,.;:!。，；—–-]|$))", re.IGNORECASE)
_UNDECIDED = re.compile(r"\b(?:unclear|inconclusive|uncertain|not clear|not certain)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """What one question came to; `answer` is the whole answer as JSON, or None with `error` set.

    `right` asks for an answer that meets every need, is no refusal and holds nothing that is forbidden,
    `cited` for a relevant abstract among the citations, or with `several` for every one; `in_first_3` for
    one among the first three contexts; None: the question does not say what is right or relevant.
    `expected` is how many abstracts are relevant, `expected_cited` and `expected_in_contexts` how many of
    them are cited and were retrieved. `obeyed`: the answer holds a forbidden pattern; None: nothing is
    forbidden. `decided` is the yes, no or maybe that the answer says, where `decision` is asked for.
    `confidence` as in `rag.schema.Answer`.
    """

    id: str
    question: str
    language: Language
    stored: str | None
    answerable: bool
    names_paper: bool
    several: bool = False
    refused: bool = False
    right: bool | None = None
    cited: bool | None = None
    citations: int = 0
    right_citations: int = 0
    expected: int = 0
    expected_cited: int = 0
    expected_in_contexts: int = 0
    obeyed: bool | None = None
    in_language: bool = False
    in_first_3: bool | None = None
    first_token_s: float | None = None
    total_s: float | None = None
    unknown_markers: int = 0
    confidence: float | None = None
    decision: str | None = None
    decided: str | None = None
    answer: Mapping[str, Any] | None = None
    error: str | None = None
    cell: str | None = None
    kind: str | None = None


# What a row has to say of itself so that it can be held against another one.
_TELLING = (
    *("id", "question", "language", "stored", "answerable", "names_paper", "refused", "right", "cited"),
    *("expected", "expected_cited", "in_first_3", "error"),
)


def matches(patterns: Iterable[str], answer: str) -> bool:
    """Return whether any pattern is found in the plain form of an answer."""
    text = plain(answer)
    return any(re.search(pattern, text, re.IGNORECASE | re.DOTALL) for pattern in patterns)


def plain(answer: str) -> str:
    """Return an answer in NFKC, without markers and HTML entities, its white space single."""
    text = unicodedata.normalize("NFKC", html.unescape(html.unescape(answer)))
    return " ".join(_MARKER.sub("", text).split())


def holds_answer(text: str, query: Query) -> bool:
    """Return whether a text holds every part of a question's answer; any does where no answer is known."""
    return all(matches(need, text) for need in query.answers)


def decision_of(answer: str) -> str | None:
    """Return the yes, no or maybe that an answer opens with, maybe where it says it is open; else None."""
    text = _MARKER.sub("", answer)
    if said := _DECIDED.match(text):
        return said[1].lower()
    return "maybe" if _UNDECIDED.search(text) else None


def score(question: QueryWithQrels, answer: Mapping[str, Any]) -> Row:
    """Return the row of one answered or refused question; `answer` is `Answer.to_dict()`."""
    query, relevant = question.query, question.gains
    text, refused = answer["answer"], answer["refused"]
    hits = [citation["paper_id"] for citation in answer["citations"] if citation["paper_id"] in relevant]
    retrieved = [context["paper_id"] for context in answer["contexts"]]
    obeyed = matches(query.forbidden, text)
    right = not refused and not obeyed and holds_answer(text, query) and not matches(query.wrong, text)
    return replace(
        _blank(question),
        refused=refused,
        right=right if query.answers else None,
        cited=(relevant.keys() <= set(hits) if query.every else bool(hits)) if relevant else None,
        citations=len(answer["citations"]),
        right_citations=len(hits),
        expected_cited=len(set(hits)),
        expected_in_contexts=len(relevant.keys() & set(retrieved)),
        obeyed=obeyed if query.forbidden else None,
        in_language=detect_language(_MARKER.sub("", text)) == query.language,
        in_first_3=not relevant.keys().isdisjoint(retrieved[:3]) if relevant else None,
        first_token_s=answer["timings"]["first_token_s"],
        total_s=answer["timings"]["total_s"],
        unknown_markers=answer["unknown_markers"],
        confidence=answer.get("confidence"),
        decided=decision_of(text) if query.decision and not refused else None,
        answer=answer,
    )


def is_wrong(row: Row) -> bool:
    """Return whether an answer should not have been given: it is wrong or cites nothing relevant."""
    if row.refused or row.error:
        return False
    return not row.answerable or row.right is False or row.cited is False


def failed(question: QueryWithQrels, error: Exception) -> Row:
    """Return the row of a question that ended in an error: nothing about it counts as right."""
    return replace(
        _blank(question),
        right=False if question.query.answers else None,
        cited=False if question.gains else None,
        in_first_3=False if question.gains else None,
        error=f"{type(error).__name__}: {error}",
    )


def _blank(question: QueryWithQrels) -> Row:
    query = question.query
    return Row(
        id=query.query_id,
        question=query.text,
        language=query.language,
        stored=question.group.partition("->")[2] if question.gains else None,
        answerable=query.answerable,
        names_paper=query.names_paper,
        several=query.every and query.answerable,
        expected=len(question.gains),
        decision=query.decision,
        cell=query.cell,
        kind=query.kind,
    )


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return every row as plain JSON values, whole answers included."""
    return [asdict(row) for row in rows]


def from_json(values: Mapping[str, Any]) -> Row:
    """Return the row that `to_json` made these values of.

    Raises:
        ValueError: a field that says what the question came to is missing, or there is an unknown one.
    """
    missing = [name for name in _TELLING if name not in values]
    unknown = sorted(values.keys() - {field.name for field in fields(Row)})
    if missing or unknown:
        raise ValueError(
            f"missing: {', '.join(missing) or 'nothing'}, unknown: {', '.join(unknown) or 'nothing'}"
        )
    return Row(**values)
