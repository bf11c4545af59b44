"""Score answers against the question sets; pure, no model and no index."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rag.language import detect_language
from rag.schema import Answer, Citation, Language, Paper

_MARKER = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Question:
    """One question with what a right answer needs; without `patterns` it has to be refused.

    The expected abstract is the one that contains `substring`, or the record at `position` of a development
    corpus; `stored` is that abstract's language.
    """

    id: str
    text: str
    language: Language
    patterns: tuple[str, ...] = ()
    substring: str | None = None
    position: int | None = None
    stored: Language | None = None
    names_paper: bool = False

    def expects(self, source: Paper | Citation) -> bool:
        """Return whether a retrieved or cited abstract is the expected one."""
        if self.position is not None:
            return any(copy.position == self.position for copy in source.sources)
        return self.substring is not None and self.substring in source.text


@dataclass(frozen=True)
class Row:
    """What one question came to; `answer` is the whole answer as JSON, or None with `error` set.

    `right` asks for a pattern that matches and no refusal, `cited` for the expected abstract among the
    citations, `in_first_3` for it among the first three contexts.
    """

    id: str
    question: str
    language: Language
    stored: Language | None
    answerable: bool
    names_paper: bool
    refused: bool = False
    right: bool = False
    cited: bool = False
    citations: int = 0
    right_citations: int = 0
    in_language: bool = False
    in_first_3: bool = False
    first_token_s: float | None = None
    total_s: float | None = None
    unknown_markers: int = 0
    answer: dict[str, Any] | None = None
    error: str | None = None


def read_questions(path: Path, positions: dict[str, int] | None = None) -> list[Question]:
    """Return the questions of a JSONL file; `positions` maps a paper's arXiv id to its record, if given."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [_question(record, positions) for record in records]


def _question(record: dict[str, Any], positions: dict[str, int] | None) -> Question:
    expected = record.get("paper") if "answer" in record else None
    return Question(
        id=record["id"],
        text=record["question"],
        language=record["language"],
        patterns=tuple(record.get("answer", ())),
        substring=expected if positions is None else None,
        position=positions[expected] if positions is not None and expected else None,
        stored=record.get("stored") or (detect_language(expected) if expected else None),
        names_paper=record.get("names_paper", False),
    )


def matches(patterns: Iterable[str], answer: str) -> bool:
    """Return whether any pattern is found in an answer, markers removed and in NFKC (tests/data/README)."""
    text = unicodedata.normalize("NFKC", _MARKER.sub("", answer))
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def score(question: Question, answer: Answer) -> Row:
    """Return the row of one answered or refused question."""
    right_citations = sum(question.expects(citation) for citation in answer.citations)
    return replace(
        _blank(question),
        refused=answer.refused,
        right=not answer.refused and matches(question.patterns, answer.answer),
        cited=right_citations > 0,
        citations=len(answer.citations),
        right_citations=right_citations,
        in_language=detect_language(_MARKER.sub("", answer.answer)) == question.language,
        in_first_3=any(question.expects(context.paper) for context in answer.contexts[:3]),
        first_token_s=answer.timings.first_token_s,
        total_s=answer.timings.total_s,
        unknown_markers=answer.unknown_markers,
        answer=answer.to_dict(),
    )


def failed(question: Question, error: Exception) -> Row:
    """Return the row of a question that ended in an error: nothing about it counts as right."""
    return replace(_blank(question), error=f"{type(error).__name__}: {error}")


def _blank(question: Question) -> Row:
    return Row(
        id=question.id,
        question=question.text,
        language=question.language,
        stored=question.stored,
        answerable=bool(question.patterns),
        names_paper=question.names_paper,
    )


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return every row as plain JSON values, whole answers included."""
    return [asdict(row) for row in rows]
