"""One question's events, from its first word to its Answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from rag.answering.abstention import Abstention, abstention_for
from rag.answering.answerer import Answerer
from rag.answering.citing.attribution import SentenceVerifier
from rag.answering.citing.citations import NOTHING_SAID
from rag.answering.empty_library import answer_about_nothing
from rag.answering.generation.prompts import REFUSALS
from rag.answering.generation.streaming import Generated, Shown
from rag.answering.question import needs_context
from rag.answering.rewriting import standalone
from rag.answering.verification.verifier import verifier_for
from rag.asking.from_catalog import answer_from_catalog, needs_llm
from rag.asking.llm_loading import LLMLoading
from rag.asking.nearest import Asked, found_for, highlights_of, may_answer
from rag.asking.parts import Parts
from rag.errors import LLMError, LLMStoppedError, ModelError
from rag.llm.base import LLM
from rag.llm.in_use import Lease
from rag.llm.size import reads_together
from rag.llm.stoppable import StoppableLLM
from rag.schema import (
    Answer,
    Filters,
    History,
    ProgressEvent,
    ScoredChunk,
    SourcesEvent,
    StreamEvent,
    TextEvent,
    Timings,
)
from rag.text.language import detect_language

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judges:
    """What decides which sentences are shown; None is what fits the models in use."""

    verifier: SentenceVerifier | None = None
    abstention: Abstention | None = None


class Asking:
    """Questions answered from an open library, event by event; safe to use from several threads."""

    def __init__(self, parts: Parts, loading: LLMLoading, judges: Judges) -> None:
        """Answer from the library of `parts`, and tell `loading` what is wanted of the language model."""
        self._parts = parts
        self._loading = loading
        self._judges = judges

    def events(
        self, lease: Lease, llm: StoppableLLM, question: str, history: History, filters: Filters | None
    ) -> Generator[StreamEvent, None, None]:
        """Yield what `RAG.ask` streams; at the end, or when it is closed, the model is given back.

        Args:
            lease: the use of the language model, which ends with the events.
            llm: the same model, which may be stopped from outside.
            question: the question, checked.
            history: the turns before it.
            filters: which abstracts count.

        Raises:
            QuestionError, LLMError, ModelError: as `RAG.ask`.
        """
        with self._loading.asked():
            ended = False
            try:
                yield from self._answered(lease, llm, question, history, filters)
                ended = True
            finally:
                llm.stop()
                lease.end()
                if not ended:
                    self._loading.forget()

    def answer_unasked(self, lease: Lease, llm: StoppableLLM, question: str) -> Answer:
        """Return the answer to a question that no reader asked, so that it does not count as one of theirs.

        Raises:
            LLMStoppedError: `llm` gave way to a reader.
            LLMError, ModelError: as `RAG.ask`.
        """
        for event in self._answered(lease, llm, question, (), None):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream of events ends with an Answer")

    def _answered(
        self, lease: Lease, llm: StoppableLLM, question: str, history: History, filters: Filters | None
    ) -> Iterator[StreamEvent]:
        """Reply without the language model where that can be done, else with it."""
        started = time.perf_counter()
        if self._parts.is_empty:
            told: Answer | None = answer_about_nothing(question)
        else:
            if self._parts.embedder is None:
                yield ProgressEvent("loading")
            told = yield from self._from_catalog(lease, llm, question, filters, followed=bool(history))
        if told is None:
            self._loading.begin(lease.llm)
            yield from self._read(llm, question, history, filters, started)
            return
        yield SourcesEvent(told.contexts, told.language)
        yield TextEvent(told.answer, told.citations)
        yield told

    def _from_catalog(
        self, lease: Lease, llm: StoppableLLM, question: str, filters: Filters | None, *, followed: bool
    ) -> Generator[StreamEvent, None, Answer | None]:
        """Reply without reading an abstract; the model reads a question about fields that is oddly worded."""
        if needs_llm(self._parts, question, followed=followed):
            self._loading.begin(lease.llm)
            yield from self._loading.until_loaded(llm)
            yield ProgressEvent("interpreting")
            try:
                return answer_from_catalog(self._parts, question, filters, llm, followed=followed)
            except LLMStoppedError:
                raise
            except (LLMError, ModelError) as error:  # then the learned models guess
                _LOG.debug("the language model could not read a question: %s", error)
        return answer_from_catalog(self._parts, question, filters, followed=followed)

    def _read(
        self,
        llm: StoppableLLM,
        question: str,
        history: History,
        filters: Filters | None,
        started: float,
    ) -> Iterator[StreamEvent]:
        """Make the question whole, find the abstracts, and answer from them."""
        if history and needs_context(question):
            yield from self._loading.until_loaded(llm)
            yield ProgressEvent("rewriting")
        read_as = standalone(llm, question, history)
        text = read_as or question
        if read_as or not needs_context(text):
            history = ()  # what it needs of them is in it: more abstracts fit, and nothing else is mixed in
        asked = Asked(question, text, detect_language(text), history, read_as, started)
        yield ProgressEvent("searching")
        contexts = tuple(found_for(self._parts, asked, filters))
        retrieved = time.perf_counter() - started
        highlights = highlights_of(self._parts, asked, contexts)
        yield SourcesEvent(contexts, asked.language, read_as, highlights)
        yield from self._written(llm, asked, contexts, retrieved)

    def _written(
        self, llm: StoppableLLM, asked: Asked, contexts: tuple[ScoredChunk, ...], retrieved: float
    ) -> Iterator[StreamEvent]:
        """Yield the words as they come, and the Answer; `retrieved` is in seconds since the start."""
        first: float | None = None
        generated: Generated | None = None
        for item in self._generated(llm, asked, contexts):
            if isinstance(item, Generated):
                generated = item
            elif isinstance(item, ProgressEvent):
                yield item
            else:
                first = first or asked.seconds()
                yield TextEvent(item[0], item[1].citations, item[1].sentences)
        if generated is None:
            raise AssertionError("a generation ends with what was generated")
        if generated.refused:
            first = asked.seconds()
            yield TextEvent(REFUSALS[asked.language])
        total = asked.seconds()
        timings = Timings(retrieved, total if first is None else first, total)
        yield _answer(asked, contexts, generated, timings)

    def _generated(
        self, llm: StoppableLLM, asked: Asked, contexts: tuple[ScoredChunk, ...]
    ) -> Iterator[Shown | ProgressEvent | Generated]:
        """Ask the language model, unless nothing in the library is near the question."""
        if not may_answer(self._parts.settings, asked, contexts):
            yield Generated(NOTHING_SAID, refused=True)
            return
        yield from self._loading.until_loaded(llm)
        answerer = self._answerer(llm)
        yield from answerer.answer(asked.text, asked.language, contexts, asked.history)

    def _answerer(self, llm: StoppableLLM) -> Answerer:
        parts, settings = self._parts, self._parts.settings
        embedder = parts.loaded_embedder()
        with parts.index.reading() as store:
            alignment = store.alignment
        return Answerer(
            llm,
            embedder,
            alignment,
            self._judges.verifier or verifier_for(parts.embedding_model, embedder, alignment),
            settings.max_answer_tokens,
            settings.evidence_tokens,
            reads_together(llm, settings.abstracts_per_chat),
            self._abstention_of(llm),
        )

    def _abstention_of(self, llm: LLM) -> Abstention | None:
        found = self._judges.abstention or abstention_for(llm.name, self._parts.embedding_model)
        return found.softened() if found and self._parts.settings.refusal == "lenient" else found


def _answer(
    asked: Asked, contexts: tuple[ScoredChunk, ...], generated: Generated, timings: Timings
) -> Answer:
    cited = generated.cited
    return Answer(
        question=asked.question,
        language=asked.language,
        answer=REFUSALS[asked.language] if generated.refused else cited.text,
        refused=generated.refused,
        sentences=() if generated.refused else cited.sentences,
        citations=() if generated.refused else cited.citations,
        contexts=contexts,
        unknown_markers=cited.unknown_markers,
        dropped_sentences=len(cited.dropped),
        timings=timings,
        standalone_question=asked.read_as,
        confidence=generated.confidence,
    )
