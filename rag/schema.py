"""Frozen records that every stage speaks, from a raw record to a cited answer.

All offsets are in Unicode code points into `Paper.text`. `to_dict()` gives plain JSON values (docs/json.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

History = Sequence[tuple[str, str]]
"""Earlier turns, oldest first: (question, answer text)."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


Language = Literal["en", "zh"]
Support = Literal["supported", "weak", "unsupported"]
DropReason = Literal["exact", "near", "doi", "identifier", "metadata", "by hand"]
AnswerKind = Literal["answer", "chat", "collection"]
Stage = Literal["loading", "waiting", "interpreting", "rewriting", "searching", "reading", "translating"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
_YEARS = re.compile(r"\s*(\d{1,4})?\s*([-–—~至到]?)\s*(\d{1,4})?\s*")


def _plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in items}


@dataclass(frozen=True, slots=True)
class Record:
    """A frozen record; every stage speaks in these."""

    def to_dict(self) -> dict[str, Any]:
        """Return every field, as plain JSON values."""
        return asdict(self, dict_factory=_plain)


@dataclass(frozen=True, slots=True)
class Source(Record):
    """Where one copy of a record was read: file name and 1-based position of the record in it."""

    file: str
    position: int


@dataclass(frozen=True, slots=True)
class Paper(Record):
    """One abstract, what is known about it, and where every copy came from; `paper_id` hashes the text.

    `work_id` is set where an abstract and its translation are both kept: equal for the two, and the
    `paper_id` of one of them. `arxiv_id` has no version ("2101.00001"), `doi` no resolver ("10.1000/x").
    """

    paper_id: str
    text: str
    language: Language
    sources: tuple[Source, ...]
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str | None = None
    url: str | None = None
    venue: str | None = None
    keywords: tuple[str, ...] = ()
    arxiv_id: str | None = None
    pmid: str | None = None
    work_id: str | None = None

    @property
    def work(self) -> str:
        """Return what a paper and its translation have in common: `work_id`, else `paper_id`."""
        return self.work_id or self.paper_id


@dataclass(frozen=True, slots=True)
class Problem(Record):
    """A record or file that could not be read, and why; without a `position` the whole file."""

    file: str
    position: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Drop(Record):
    """A duplicate folded into another paper: which, why and how alike (score in [0, 1])."""

    paper: Paper
    kept_id: str
    reason: DropReason
    score: float


@dataclass(frozen=True, slots=True)
class Chunk(Record):
    """A stretch of one paper: `paper.text[chunk.start:chunk.end] == chunk.text`."""

    chunk_id: str
    paper_id: str
    text: str
    start: int
    end: int
    language: Language


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on the papers that may be found; all that are set must hold.

    Of several values of one field any will do. `sources` are names as in `Source.file`, or folders. Years are
    inclusive; a paper without a year fails them. `authors`, `venues` and `keywords` are compared as
    questions compare them (docs/library-tab.md#filters). `papers` are ids, also of abstracts that were folded
    into another; a paper passes together with its translation.
    """

    language: Language | None = None
    sources: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None
    authors: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    papers: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Return whether any condition is set."""
        return self != Filters()

    def in_years(self, text: str) -> Filters | None:
        """Return these with the years of "2020", "2018-2020", "2018-" or "-2020", else None."""
        match = _YEARS.fullmatch(text)
        first, dash, last = match.groups() if match else (None, "", None)
        if not (first or last) or (first and last and not dash):
            return None
        start, end = int(first) if first else None, int(last) if last else None
        if start is not None and end is not None and start > end:
            start, end = end, start
        return replace(self, year_from=start, year_to=end if dash else start)


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """The best chunk of one retrieved paper; higher `score` is better.

    `dense` is a cosine and `lexical` a BM25 score; each is None where the paper has none.
    """

    paper: Paper
    chunk: Chunk
    score: float
    dense: float | None = None
    lexical: float | None = None

    def to_context(self) -> dict[str, Any]:
        """Return the chunk as an answer's JSON lists it."""
        chunk = self.chunk
        return {
            "paper_id": chunk.paper_id,
            "chunk_id": chunk.chunk_id,
            "score": self.score,
            "text": chunk.text,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract of a search result (docs/json.md)."""
        chunk = self.chunk
        found = {"score": self.score, "chunk": chunk.text, "start": chunk.start, "end": chunk.end}
        return self.paper.to_dict() | found


@dataclass(frozen=True, slots=True)
class Citation(Record):
    """An abstract that the answer cites under `number`, and its record; `text[start:end] == quote`."""

    number: int
    paper_id: str
    title: str | None
    text: str
    sources: tuple[Source, ...]
    quote: str
    start: int
    end: int
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str | None = None
    doi: str | None = None
    url: str | None = None

    @classmethod
    def of(cls, number: int, paper: Paper, start: int, end: int) -> Citation:
        """Cite `paper.text[start:end]` under `number`."""
        return cls(
            number, paper.paper_id, paper.title, paper.text, paper.sources, paper.text[start:end], start, end,
            paper.authors, paper.year, paper.venue, paper.doi, paper.url,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence(Record):
    """The words of a cited abstract that a sentence rests on: there `text[start:end] == quote`."""

    number: int
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Sentence(Record):
    """One sentence of an answer without markers, its citation numbers, and its support.

    `score` in [0, 1] is how surely it is supported; `evidence` has the best words of each abstract first.
    An unsupported sentence is no part of an answer.
    """

    text: str
    citations: tuple[int, ...]
    support: Support = "weak"
    score: float = 0.0
    evidence: tuple[Evidence, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return every field, as plain JSON values; the score has four decimals."""
        return Record.to_dict(self) | {"score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class Timings(Record):
    """Wall-clock seconds from the question to: retrieval done, first visible character, end."""

    retrieve_s: float
    first_token_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question: its sentences, what they cite, and what was retrieved for it.

    `answer` is the text with markers such as [1]. Where it is `refused`, `citations` is empty.
    `unknown_markers` counts markers that named no context, `dropped_sentences` sentences that no abstract
    supports; both were removed. `kind` is "answer", "chat" (small talk) or "collection" (about the index;
    its citations are the papers it lists). `standalone_question` is what a follow-up was read as.
    `confidence` is how likely the abstracts answer, from 0 to 1 (`rag.answering.abstention`). Both are None
    where they do not apply.
    """

    question: str
    language: Language
    answer: str
    refused: bool
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    contexts: tuple[ScoredChunk, ...]
    unknown_markers: int
    timings: Timings
    dropped_sentences: int = 0
    kind: AnswerKind = "answer"
    standalone_question: str | None = None
    confidence: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract of an answer (docs/json.md)."""
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "language": self.language,
            "kind": self.kind,
            "answer": self.answer,
            "refused": self.refused,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "sentences": [s.to_dict() for s in self.sentences],
            "citations": [c.to_dict() for c in self.citations],
            "contexts": [c.to_context() for c in self.contexts],
            "unknown_markers": self.unknown_markers,
            "dropped_sentences": self.dropped_sentences,
            "timings": self.timings.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class ProgressEvent(Record):
    """Streamed when a stage begins, before and between the other events: what the reader waits for now.

    "loading" (a model), "interpreting" (a question), "rewriting" (a follow-up) and "searching" have no
    numbers. "reading": abstract `done` of `total`, from 1; 0 where all are read together. "translating":
    sentence `done` of `total`.
    "waiting": place `done` in a line of `total` questions, which the page forms.
    """

    stage: Stage
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Highlight(Record):
    """A key sentence of a retrieved paper, known before an answer is: there `text[start:end]`."""

    paper_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SourcesEvent:
    """Streamed once: what retrieval found, best first, before any text is generated.

    `standalone_question` is a follow-up rewritten so that it needs no earlier turn, else None. `highlights`
    are the sentences of the best papers that are nearest to the question.
    """

    contexts: tuple[ScoredChunk, ...]
    language: Language
    standalone_question: str | None = None
    highlights: tuple[Highlight, ...] = ()


@dataclass(frozen=True, slots=True)
class TextEvent:
    """Streamed next, many times: `delta` is appended to the visible answer.

    `citations` and `sentences` list all that are known so far.
    """

    delta: str
    citations: tuple[Citation, ...] = field(default=())
    sentences: tuple[Sentence, ...] = field(default=())


StreamEvent = ProgressEvent | SourcesEvent | TextEvent | Answer
