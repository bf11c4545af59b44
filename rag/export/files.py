"""The files that papers, answers and conversations can be written as, with their names and media types."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rag.errors import UserError
from rag.export.bibtex import bibtex
from rag.export.cited import cited_papers
from rag.export.csl import csl_json
from rag.export.markdown import markdown_answer, markdown_conversation
from rag.export.printed import html_answer, html_conversation
from rag.export.references import one_line
from rag.export.ris import ris
from rag.export.table import csv_answer
from rag.schema import Answer, Paper

Turns = Sequence[tuple[str, Answer | None]]
"""Questions with their answers, oldest first; None where there is no answer."""

_T = TypeVar("_T")
_NAME_CHARS = 60
_BYTE_ORDER_MARK = "\ufeff"  # without it a spreadsheet takes UTF-8 for the code page of the machine


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file to be written: its name, its media type and its text (in UTF-8)."""

    name: str
    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class _Form:
    suffix: str
    media_type: str


_FORMS = {
    "markdown": _Form(".md", "text/markdown"),
    "html": _Form(".html", "text/html"),
    "json": _Form(".json", "application/json"),
    "csv": _Form(".csv", "text/csv"),
    "bibtex": _Form(".bib", "application/x-bibtex"),
    "ris": _Form(".ris", "application/x-research-info-systems"),
    "csl": _Form(".csl.json", "application/vnd.citationstyles.csl+json"),
}
_REFERENCES: Mapping[str, Callable[[Iterable[Paper]], str]] = {"bibtex": bibtex, "ris": ris, "csl": csl_json}
_ANSWER: Mapping[str, Callable[[Answer], str]] = {
    "markdown": markdown_answer,
    "html": html_answer,
    "json": lambda answer: _json(answer.to_dict()),
    "csv": lambda answer: _BYTE_ORDER_MARK + csv_answer(answer),
}
_CONVERSATION: Mapping[str, Callable[[str, Turns], str]] = {
    "markdown": markdown_conversation,
    "html": html_conversation,
    "json": lambda title, turns: _json(conversation_dict(title, turns)),
}

PAPER_FORMATS = tuple(_REFERENCES)
ANSWER_FORMATS = (*_ANSWER, *_REFERENCES)
CONVERSATION_FORMATS = (*_CONVERSATION, *_REFERENCES)


def export_papers(papers: Iterable[Paper], form: str, title: str = "citefold") -> ExportFile:
    """Return the papers as references; `form` is one of `PAPER_FORMATS`.

    Raises:
        UserError: there is no such format.
    """
    write = _known(_REFERENCES, form, PAPER_FORMATS)
    return _file(title, form, write(papers))


def export_answer(answer: Answer, form: str) -> ExportFile:
    """Return an answer, or the papers that it cites; `form` is one of `ANSWER_FORMATS`.

    Raises:
        UserError: there is no such format.
    """
    if form in _REFERENCES:
        return export_papers(cited_papers([answer]), form, answer.question)
    return _file(answer.question, form, _known(_ANSWER, form, ANSWER_FORMATS)(answer))


def export_conversation(title: str, turns: Turns, form: str) -> ExportFile:
    """Return a conversation, or the papers that its answers cite; `form` is in `CONVERSATION_FORMATS`.

    Raises:
        UserError: there is no such format.
    """
    if form in _REFERENCES:
        return export_papers(cited_papers(answer for _, answer in turns if answer), form, title)
    return _file(title, form, _known(_CONVERSATION, form, CONVERSATION_FORMATS)(title, turns))


def conversation_dict(title: str, turns: Turns) -> dict[str, object]:
    """Return the JSON contract of a conversation (docs/json.md)."""
    return {
        "title": title,
        "turns": [
            {"question": question, "answer": answer.to_dict() if answer else None}
            for question, answer in turns
        ],
    }


def _known(writers: Mapping[str, _T], form: str, known: Sequence[str]) -> _T:
    if form not in writers:
        raise UserError(f"There is no format {form!r} here; choose one of {', '.join(known)}.")
    return writers[form]


def _file(title: str, form: str, text: str) -> ExportFile:
    stem = re.sub(r"[\W_]+", "-", one_line(title)[:_NAME_CHARS]).strip("-") or "citefold"
    return ExportFile(stem + _FORMS[form].suffix, _FORMS[form].media_type, text)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
