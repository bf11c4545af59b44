"""Frozen records that every stage speaks, from a raw record to a cited answer.

All offsets are in Unicode code points into `Paper.text`. `to_dict()` gives plain JSON values; the keys of
`Answer.to_dict()` and `ScoredChunk.to_dict()` are the stable contract of `rag ask --json` and
`rag search --json`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


Language = Literal["en", "zh"]
Support = Literal["supported", "weak", "unsupported"]
AnswerKind = Literal["answer", "chat", "collection"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Source:
    """Where one copy of a record was read: file name and 1-based position of the record in it."""

    file: str
    position: int

    def to_dict(self) -> dict[str, Any]:
        """Return `{"file", "position"}`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Paper:
    """One abstract: cleaned text, what is known about it, and where every copy of it came from.

    `paper_id` is a hash of the text under a frozen normalisation (`rag.text.cleaning.paper_id`).
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

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain JSON values."""
        return asdict(self) | {"authors": list(self.authors), "sources": [s.to_dict() for s in self.sources]}


@dataclass(frozen=True, slots=True)
class Problem:
    """One record or file that could not be read, and why; the rest of the corpus is kept.

    `position` is the 1-based record in the file, or None when the whole file is unreadable.
    """

    file: str
    position: int | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return `{"file", "position", "reason"}`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Drop:
    """A duplicate folded into another paper: which, why and how alike (score in [0, 1])."""

    paper: Paper
    kept_id: str
    reason: Literal["exact", "near", "doi", "metadata"]
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the dropped paper with `kept_id`, `reason` and `score`."""
        return {
            "paper": self.paper.to_dict(),
            "kept_id": self.kept_id,
            "reason": self.reason,
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one paper: `paper.text[chunk.start:chunk.end] == chunk.text`."""

    chunk_id: str
    paper_id: str
    text: str
    start: int
    end: int
    language: Language

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which papers may be found: all conditions that are set must hold; none set lets every paper through.

    `sources` are names as in `Source.file`, any of which will do; a folder's name stands for every file
    below it. `year_from` and `year_to` are inclusive, and papers without a year fail them.
    """

    language: Language | None = None
    sources: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None

    def __bool__(self) -> bool:
        """Return whether any condition is set."""
        return self != Filters()


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """The best chunk of one retrieved paper; higher `score` is better.

    `dense` and `lexical` are the scores of the two arms, None where an arm did not return the paper.
    """

    paper: Paper
    chunk: Chunk
    score: float
    dense: float | None = None
    lexical: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return `{"paper_id", "score", "text", "chunk", "start", "end", "sources"}`."""
        return {
            "paper_id": self.paper.paper_id,
            "score": self.score,
            "text": self.paper.text,
            "chunk": self.chunk.text,
            "start": self.chunk.start,
            "end": self.chunk.end,
            "sources": [s.to_dict() for s in self.paper.sources],
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """An abstract that the answer cites under `number`; `text[start:end] == quote`."""

    number: int
    paper_id: str
    title: str | None
    text: str
    sources: tuple[Source, ...]
    quote: str
    start: int
    end: int

    @classmethod
    def of(cls, number: int, paper: Paper, start: int, end: int) -> Citation:
        """Cite a paper under `number` for what stands at `text[start:end]`."""
        return cls(
            number, paper.paper_id, paper.title, paper.text, paper.sources, paper.text[start:end], start, end
        )

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain JSON values."""
        return asdict(self) | {"sources": [s.to_dict() for s in self.sources]}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words of the abstract cited under `number` that a sentence rests on: `text[start:end] ==
    quote` there.
    """

    number: int
    start: int
    end: int
    quote: str

    def to_dict(self) -> dict[str, Any]:
        """Return `{"number", "start", "end", "quote"}`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer without markers, its citation numbers, and its support.

    `score` in [0, 1] is how surely; `evidence` the exact words, the best of each abstract first. A sentence
    that nothing supports is not part of an answer, so `support` is "supported" or "weak" here.
    """

    text: str
    citations: tuple[int, ...]
    support: Support = "weak"
    score: float = 0.0
    evidence: tuple[Evidence, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return `{"text", "citations", "support", "score", "evidence"}`."""
        return {
            "text": self.text,
            "citations": list(self.citations),
            "support": self.support,
            "score": round(self.score, 4),
            "evidence": [item.to_dict() for item in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds from the question to: retrieval done, first visible character, end."""

    retrieve_s: float
    first_token_s: float
    total_s: float

    def to_dict(self) -> dict[str, Any]:
        """Return `{"retrieve_s", "first_token_s", "total_s"}`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question: its sentences, what they cite, and what was retrieved for it.

    `answer` is the text a reader sees, with markers such as [1]; `refused` is true when the abstracts do
    not answer the question, and then `citations` is empty. `unknown_markers` counts markers that named no
    context and were removed, `dropped_sentences` sentences left out because no abstract supports them.

    `kind` is "answer" for what the abstracts say or do not, "chat" for a fixed reply to small talk, and
    "collection" for a reply about the collection, whose citations are the papers it lists.
    `standalone_question` is what a follow-up was read as, None where the question was taken as it is.
    `confidence` in [0, 1] is how likely the abstracts answer the question in the words that were found,
    refused or not (`rag.answering.abstention`); None where that cannot be told.
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
        """Return the JSON contract of an answer (README, section "JSON")."""
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
            "contexts": [
                {
                    "paper_id": c.paper.paper_id,
                    "chunk_id": c.chunk.chunk_id,
                    "score": c.score,
                    "text": c.chunk.text,
                }
                for c in self.contexts
            ],
            "unknown_markers": self.unknown_markers,
            "dropped_sentences": self.dropped_sentences,
            "timings": self.timings.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class SourcesEvent:
    """Streamed first: what retrieval found, best first, before any text is generated.

    `standalone_question` is what a follow-up was read as, None where the question was taken as it is.
    """

    contexts: tuple[ScoredChunk, ...]
    language: Language
    standalone_question: str | None = None


@dataclass(frozen=True, slots=True)
class TextEvent:
    """Streamed next, many times: `delta` is appended to the visible answer.

    `citations` and `sentences` list all that are known so far, so that a page can link the markers in the
    text and show which sentences are weakly supported.
    """

    delta: str
    citations: tuple[Citation, ...] = field(default=())
    sentences: tuple[Sentence, ...] = field(default=())


StreamEvent = SourcesEvent | TextEvent | Answer
