"""Records of a data set to measure on: documents, questions, and what is relevant and right for each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rag.errors import CorpusError
from rag.schema import Language, Paper, Source
from rag.text.cleaning import clean_text, paper_id
from rag.text.encoding import decode, is_undecodable, read_bytes
from rag.text.language import detect_language


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a data set, as published; `doc_id` is the data set's own name for it."""

    doc_id: str
    text: str
    title: str | None = None
    year: int | None = None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rated:
    """What a reader thought of an answer, and the answer."""

    verdict: Literal["up", "down"]
    answer: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question: what is relevant to it, and what makes an answer to it right.

    `relevant` maps document ids to positive gains; in a data set without documents, a `paper_id` or a
    substring of an abstract in the user's index. `answers` is a list of needs: an answer is right when, for
    each need, one of its patterns (regular expressions) is found in it. `group` says "en->zh": the language
    of the question and of the abstract; None: as the index has it. `decision` is the yes, no or maybe of
    PubMedQA. `place` is the record it was read from, for messages.

    `every`: each of `relevant` is to be cited, not just any of them. `forbidden`: patterns that no answer may
    hold, which is what an instruction planted in an abstract or a question asks for. `history`: earlier turns
    that the question goes on from, oldest first, as (question, answer).

    `wrong`: patterns of statements that make an answer wrong. `cell` and `kind` are the data set's own
    groups. `rated`: an earlier answer that a reader rated; an abstract that it cited may be gone by now.
    """

    query_id: str
    text: str
    language: Language
    relevant: Mapping[str, float] = field(default_factory=dict)
    answers: tuple[tuple[str, ...], ...] = ()
    answerable: bool = True
    group: str | None = None
    decision: str | None = None
    names_paper: bool = False
    every: bool = False
    forbidden: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    place: str = ""
    wrong: tuple[str, ...] = ()
    cell: str | None = None
    kind: str | None = None
    rated: Rated | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Documents and questions; without documents the questions are about the user's own index."""

    name: str
    form: str
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]

    @property
    def documents_digest(self) -> str:
        """Short hash of every document, in order."""
        return _digest([d.doc_id, d.title, d.text, d.year, *d.authors] for d in self.documents)

    @property
    def digest(self) -> str:
        """Short hash of every document and question."""
        return _digest([[self.documents_digest], *map(_asked, self.queries)])

    def papers(self) -> list[Paper]:
        """Return the documents as cleaned papers; `position` is the document's number from 1.

        A document with a title only has it as its text; one without a word is left out.
        """
        found = (self._paper(position, document) for position, document in enumerate(self.documents, 1))
        return [paper for paper in found if any(char.isalnum() for char in paper.text)]

    def _paper(self, position: int, document: Document) -> Paper:
        title = clean_text(document.title or "") or None
        text = clean_text(document.text) or title or ""
        return Paper(
            paper_id=paper_id(text),
            text=text,
            language=detect_language(text),
            sources=(Source(self.name, position),),
            title=title,
            year=document.year,
            authors=document.authors,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One JSON object of a file, with its place for messages."""

    file: str
    number: int
    fields: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Return "line 3 of queries.jsonl"."""
        return f"line {self.number} of {self.file}"

    def text(self, *names: str) -> str:
        """Return the first of the named fields that holds text (or a number, for ids).

        Raises:
            CorpusError: none does.
        """
        for name in names:
            value = self.fields.get(name)
            if isinstance(value, str) and value.strip():
                return value
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
        wanted = " or ".join(f'"{name}"' for name in names)
        raise CorpusError(f"In {self.place} there is no text under {wanted}; add it or remove the line.")

    def texts(self, name: str) -> list[str]:
        """Return the strings in a list, lists in it flattened; one string counts as a list of it.

        Raises:
            CorpusError: the field is missing or holds something else.
        """
        return list(_flat(self.fields.get(name), name, self))


def read_lines(path: Path) -> list[Line]:
    """Return every object of a JSONL file, also gzipped.

    Raises:
        CorpusError: it cannot be read, is no text, or a line is no JSON object; the sentence names the line.
    """
    data, stopped = read_bytes(path)
    text = decode(data)
    if stopped or text is None:
        raise CorpusError(f"{path.name} {stopped or 'is no text'}; save the data set as JSONL.")
    lines = [
        _line(path.name, number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()
    ]
    if not lines:
        raise CorpusError(f"{path.name} is empty; give a file with one JSON object a line.")
    return lines


def _line(file: str, number: int, line: str) -> Line:
    try:
        fields = None if is_undecodable(line) else json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise CorpusError(f"Line {number} of {file} is not a JSON object; correct it or remove the line.")
    return Line(file, number, fields)


def _flat(value: object, name: str, line: Line) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item, name, line)
    else:
        raise CorpusError(f'In {line.place} "{name}" must be a list of texts; correct it or remove the line.')


def _asked(query: Query) -> list[object]:
    more: list[object] = [*query.forbidden, *query.history]
    if query.wrong:
        more.append({"wrong": query.wrong})  # not to be taken for what is forbidden
    return [query.query_id, query.text, dict(query.relevant), query.answers, query.decision, *more]


def _digest(rows: Iterable[object]) -> str:
    hasher = hashlib.sha256()
    for row in rows:
        hasher.update(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
    return hasher.hexdigest()[:16]
