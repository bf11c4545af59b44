"""A scripted RAG with the real one's public face, for tests and pictures of the page: no model, no index.

It enters through the seam (`ui.server.make_server(rag)`), so nothing is patched. A script is a list of steps;
`Gate`s hold the stream until the test opens them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rag.adding import AddReport
from rag.answering.event_stream import EventStream
from rag.answering.generation.prefill import Prefill
from rag.browsing.paper_map import PaperMap
from rag.browsing.records import PaperPage
from rag.errors import LLMStoppedError, QuestionError, RagError
from rag.llm.stoppable import Turn
from rag.llm.trial import Trial
from rag.schema import (
    Answer,
    Chunk,
    Citation,
    Filters,
    Language,
    Paper,
    Progress,
    ProgressEvent,
    ScoredChunk,
    Sentence,
    Source,
    SourcesEvent,
    StreamEvent,
    TextEvent,
    Timings,
)
from rag.settings import Settings, changed_settings


class Gate:
    """Hold a script here until `open()`; `reached` says that the stream waits at it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._stopped = False

    def open(self) -> None:
        self._open.set()

    def stop(self) -> None:
        self._stopped = not self._open.is_set()
        self._open.set()

    def wait(self) -> None:
        self.reached.set()
        if not self._open.wait(timeout=30):
            raise TimeoutError("nobody opened the gate")
        if self._stopped:
            raise LLMStoppedError


Step = StreamEvent | RagError | Gate | float
Script = Callable[[str, Sequence[tuple[str, str]]], Sequence[Step]]


@dataclass
class FakeRAG:
    """Answer each question with the steps of `script`; keep what was asked in `asked`.

    Every abstract is still there, but for those in `changed`: folded into the paper given, or gone.
    """

    script: Script
    changed: dict[str, Paper | None] = field(default_factory=dict)
    asked: list[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    translations: dict[str, str] = field(default_factory=dict)
    translated: list[tuple[str, str, str]] = field(default_factory=list)
    prefilled: Prefill | None = None
    settings: Settings = field(default_factory=Settings)
    prepared: int = 12
    notice: dict[Language, str] = field(default_factory=dict)
    trial_error: RagError | None = None
    models: list[str | None] = field(default_factory=list)
    filters: list[Filters | None] = field(default_factory=list)
    found: list[ScoredChunk] = field(default_factory=list)
    added: AddReport | RagError = field(default_factory=AddReport)
    offered: Sequence[dict[Language, str]] = ()

    def ask(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        *,
        stream: bool = False,
        filters: Filters | None = None,
        model: str | None = None,
        turn: Turn | None = None,
    ) -> EventStream:
        assert stream, "the page always streams"
        self.asked.append((question, tuple(history)))
        self.filters.append(filters)
        self.models.append(model)
        steps = self.script(question, history)

        def stop() -> None:
            if turn is not None:
                turn.leave()
            for step in steps:
                if isinstance(step, Gate):
                    step.stop()

        return EventStream(self._play(steps, turn), stop)

    def _play(self, steps: Sequence[Step], turn: Turn | None) -> Generator[StreamEvent, None, None]:
        try:
            for step in steps:
                if (
                    turn is not None
                    and not isinstance(step, SourcesEvent | ProgressEvent)
                    and not turn.wait()
                ):
                    raise LLMStoppedError
                if isinstance(step, Gate):
                    step.wait()
                elif isinstance(step, RagError):
                    raise step
                elif isinstance(step, float):
                    threading.Event().wait(step)
                else:
                    yield step
        finally:
            if turn is not None:
                turn.leave()
            self.closed.set()

    def translate(self, text: str, to: Language, question: str = "") -> str | None:
        self.translated.append((text, to, question))
        return self.translations.get(text)

    def search(self, query: str, k: int = 10, filters: Filters | None = None) -> list[ScoredChunk]:
        if not query.strip():
            raise QuestionError("The question is empty; write one.")
        return self.found[:k]

    def paper(self, paper_id: str) -> Paper | None:
        if paper_id in self.changed:
            return self.changed[paper_id]
        if self.found:
            return next((found.paper for found in self.found if found.paper.paper_id == paper_id), None)
        return Paper(paper_id, "An abstract.", "en", ())

    def papers(self, query: str | None = None, filters: Filters | None = None, *options: Any) -> PaperPage:
        return PaperPage(0, ())

    def facets(self, query: str | None = None, filters: Filters | None = None) -> dict[str, Any]:
        return {}

    def work(self, paper_id: str) -> None:
        return None

    def map(self) -> PaperMap:
        return PaperMap((), ())

    def examples(self, count: int = 6) -> tuple[dict[Language, str], ...]:
        return tuple(self.offered[:count])

    def write_examples(self, *, stop: threading.Event) -> int:
        return len(self.offered)

    def add(self, paths: Sequence[Path], progress: Any = None, stop: Any = None) -> AddReport:
        if isinstance(self.added, RagError):
            raise self.added
        return self.added

    def decide(self, first: str, second: str, *, one_work: bool) -> None:
        return None

    def use(self, **changes: Any) -> None:
        self.settings = changed_settings(self.settings, changes)

    def try_llm(self, **changes: Any) -> Trial:
        if self.trial_error:
            raise self.trial_error
        host = urlsplit(changes.get("llm_base_url") or "").netloc or None
        return Trial(changes["llm_model"], host, host is not None, 0.42)

    @property
    def notices(self) -> dict[Language, str]:
        if self.notice:
            return self.notice
        host = urlsplit(self.settings.llm_base_url or "").netloc
        return {"en": f"Questions are sent to {host}.", "zh": f"问题会发送到 {host}。"} if host else {}

    def warm(self) -> None:
        """Has no model to load."""

    def prefill(self, progress: Progress, stop: threading.Event) -> None:
        progress("Reading ahead", 31, 31)
        self.prepared = 31

    @property
    def state(self) -> tuple[str, str]:
        return "1", self.settings.llm_model

    def info(self) -> dict[str, Any]:
        host = urlsplit(self.settings.llm_base_url or "").netloc or None
        sizes = {"qwen2.5-coder-1.5b": 1_117_320_768, "qwen2.5-coder-0.5b": 491_400_064}
        llms = [{"name": n, "kind": "llm", "present": True, "size": s, "about": ""} for n, s in sizes.items()]
        return {
            "records": 50, "papers": 31, "works": 31, "chunks": 31, "languages": {"en": 22, "zh": 9},
            "embedding_model": "embeddinggemma-300m", "rerank_model": None, "index_bytes": 9_000_000,
            "llm": {"name": self.settings.llm_model, "endpoint": host, "leaves_machine": host is not None},
            "models": llms, "readings": {"papers": self.prepared, "bytes": 0},
        }  # fmt: skip


def context(
    text: str,
    passage: str = "",
    *,
    language: Language = "en",
    files: Sequence[tuple[str, int]] = (("000.txt", 1),),
    score: float = 0.5,
    **paper: Any,
) -> ScoredChunk:
    """Return a retrieved paper whose best chunk is `passage` (the whole text when empty)."""
    start = text.index(passage)
    end = start + len(passage) if passage else len(text)
    paper_id = f"{abs(hash(text)):016x}"
    sources = tuple(Source(file, position) for file, position in files)
    record = Paper(paper_id, text, language, sources, **paper)
    return ScoredChunk(record, Chunk(f"{paper_id}-0", paper_id, text[start:end], start, end, language), score)


def citation(number: int, found: ScoredChunk, quote: str) -> Citation:
    """Return the citation of a retrieved paper under `number`, quoting `quote`."""
    start = found.paper.text.index(quote)
    return Citation.of(number, found.paper, start, start + len(quote))


def answer(
    question: str,
    text: str,
    contexts: Sequence[ScoredChunk],
    citations: Sequence[Citation] = (),
    *,
    language: Language = "en",
    refused: bool = False,
    bare: int = 0,
    unknown_markers: int = 0,
) -> Answer:
    """Return an answer of one sentence that cites `citations`, and `bare` more that cite nothing."""
    numbers = tuple(c.number for c in citations)
    sentences = [Sentence(text, numbers, "supported", 0.9)] + [Sentence("Bare.", ())] * bare
    return Answer(
        question, language, text, refused, tuple(sentences), tuple(citations), tuple(contexts),
        unknown_markers, Timings(0.04, 3.1, 4.9),
    )  # fmt: skip


def script_of(
    text: str,
    contexts: Sequence[ScoredChunk],
    citations: Sequence[Citation] = (),
    *,
    language: Language = "en",
    refused: bool = False,
    before_text: Sequence[Step] = (),
    midway: Sequence[Step] = (),
) -> Script:
    """Return a script: the sources, `before_text`, half of the words, `midway`, the rest, the answer."""

    def script(question: str, history: Sequence[tuple[str, str]]) -> list[Step]:
        if not question.strip():
            return [QuestionError("The question is empty; write one.")]
        half = len(text) // 2
        known = tuple(citations)
        return [
            SourcesEvent(tuple(contexts), language),
            *before_text,
            TextEvent(text[:half], known),
            *midway,
            TextEvent(text[half:], known),
            answer(question, text, contexts, citations, language=language, refused=refused),
        ]

    return script
