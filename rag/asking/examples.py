"""Example questions written by the language model while nobody asks; only those that the library answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from math import sqrt
from typing import TypeVar

from rag.answering.citing.citations import is_quoted
from rag.answering.generation.messages import prefill_chats
from rag.answering.generation.question_writing import can_ask, take_in, write_question
from rag.asking.asking import Asking
from rag.asking.parts import Parts
from rag.browsing.written import Written, keep_written, read_written
from rag.errors import LLMStoppedError, RagError
from rag.llm.in_use import Lease
from rag.llm.stoppable import YieldingLLM
from rag.schema import LANGUAGES, Language, Paper, Progress

# Questions kept of each language, and abstracts that are tried at most, which bounds the time.
# See docs/decisions.md#written-examples.
WANTED, MOST_TRIED = 3, 12
# Seconds to wait after a reader's question came between.
_REST_S = 5.0
# Places so far apart on a ring, as a share of it, spread evenly however many there are (golden ratio).
_STEP = (sqrt(5) - 1) / 2
_LOG = logging.getLogger(__name__)

_Papers = dict[Language, list[Paper]]
_Found = TypeVar("_Found")


class ExampleWriter:
    """Writes example questions of an open library, one run at a time; safe to use from several threads."""

    def __init__(self, parts: Parts, asking: Asking, is_asked: Callable[[], bool]) -> None:
        """Ask the library of `parts` through `asking`, and wait while `is_asked` returns True."""
        self._parts = parts
        self._asking = asking
        self._is_asked = is_asked
        self._running = threading.Lock()
        self._failed: tuple[str, str] | None = None  # the generation and the model that could not

    def write(self, progress: Progress, stop: threading.Event) -> int:
        """Write the questions that are missing and return how many there are; see `RAG.write_examples`."""
        if not self._running.acquire(blocking=False):
            return 0
        lease = self._parts.in_use.lease()
        written: Written | None = None
        try:
            if self._parts.is_empty:
                return 0
            written = self._known(lease)
            # An endpoint receives only what a reader asks.
            may = lease.llm.endpoint is None and self._failed != (written.generation, written.model)
            if may and not written.done:
                run = _Run(self._parts, self._asking, self._is_asked, lease, stop)
                written = run.complete(written, progress)
        except LLMStoppedError:
            _LOG.debug("writing example questions was stopped")
        except (RagError, OSError) as error:
            _LOG.debug("no example questions could be written: %s", error)
            self._failed = (written.generation, written.model) if written else None
        finally:
            lease.end()
            self._running.release()
        return sum(map(len, written.questions.values())) if written else 0

    def _known(self, lease: Lease) -> Written:
        with self._parts.index.reading() as store:
            index, resolve = self._parts.settings.index, store.catalog.resolve
            return read_written(index, store.manifest.generation, lease.llm.name, resolve)


class _Run:
    """One run with one model over one state of the index."""

    def __init__(
        self,
        parts: Parts,
        asking: Asking,
        is_asked: Callable[[], bool],
        lease: Lease,
        stop: threading.Event,
    ) -> None:
        """Stop for good once `stop` is set."""
        self._parts, self._asking, self._is_asked = parts, asking, is_asked
        self._lease, self._stop = lease, stop
        self._taken_in = False

    def complete(self, written: Written, progress: Progress) -> Written:
        """Return `written` with the questions that were missing; each is kept as soon as it is answered.

        Raises:
            LLMStoppedError: `stop` was set, or the index or the model is another one now.
            LLMError, ModelError, OSError: the model fails, or the questions cannot be kept.
        """
        index = self._parts.settings.index
        if written.unchecked:
            written = self._checked(written)
            keep_written(index, written)
        with self._parts.index.reading() as store:
            papers = _candidates(store.catalog.papers(), self._parts.settings.evidence_tokens)
        total = sum(min(WANTED, len(some)) for some in papers.values())
        while batch := _missing(papers, written):
            # All are written before any is asked, so that the model takes in its instructions once.
            self._taken_in = False
            asked = [(paper, self._undisturbed(written, partial(self._written, paper))) for paper in batch]
            for paper, question in asked:
                if question is not None and not written.has(question):
                    kept = self._undisturbed(written, partial(self._answers, paper, question))
                    question = question if kept else None
                written = written.after(paper.language, paper.paper_id, question)
                keep_written(index, written)
                progress("Writing examples", sum(map(len, written.questions.values())), total)
        written = written.completed()
        keep_written(index, written)
        return written

    def _checked(self, written: Written) -> Written:
        """Return `written` with those questions alone that the library still answers."""

        def still(paper_id: str, question: str) -> bool:
            with self._parts.index.reading() as store:
                paper = store.catalog.resolve(paper_id)
            return paper is not None and self._undisturbed(written, partial(self._answers, paper, question))

        return replace(written.only(still), unchecked=False)

    def _undisturbed(self, written: Written, work: Callable[[YieldingLLM], _Found]) -> _Found:
        """Return what `work` finds; where a reader's question came between, it begins anew after it."""
        while True:
            if self._stop.is_set() or self._has_changed(written):
                raise LLMStoppedError
            try:
                return work(YieldingLLM(self._lease.llm, self._is_wanted))
            except LLMStoppedError:
                self._taken_in = False
                self._stop.wait(_REST_S)

    def _written(self, paper: Paper, llm: YieldingLLM) -> str | None:
        if not self._taken_in:
            take_in(llm)
            self._taken_in = True
        return write_question(llm, paper)

    def _answers(self, paper: Paper, question: str, llm: YieldingLLM) -> bool:
        """Return whether the library answers a question as a reader would like to see it first.

        It cites the work of `paper`, and all that it says is supported and in words of its own.
        """
        for chat in prefill_chats(paper, self._parts.settings.evidence_tokens)[:1]:
            llm.prefill(chat)  # in small steps, between which it gives way
        answer = self._asking.answer_unasked(self._lease, llm, question)
        _LOG.debug("asked %r, told %r", question, answer.answer)
        if answer.kind != "answer" or answer.refused:
            return False
        works = {context.paper.paper_id: context.paper.work for context in answer.contexts}
        cited = {works.get(citation.paper_id) for citation in answer.citations}
        firm = all(each.support == "supported" and not is_quoted(each) for each in answer.sentences)
        return firm and paper.work in cited

    def _is_wanted(self) -> bool:
        return self._stop.is_set() or self._is_asked()

    def _has_changed(self, written: Written) -> bool:
        if self._parts.is_missing or self._parts.in_use.llm is not self._lease.llm:
            return True
        with self._parts.index.reading() as store:
            return store.manifest.generation != written.generation


def _candidates(papers: Sequence[Paper], evidence_tokens: int | None) -> _Papers:
    """Return of each language the abstracts to try, spread evenly over the library."""
    found: _Papers = {}
    for language in LANGUAGES:
        own = [paper for paper in papers if paper.language == language]
        places = (int(len(own) * (n * _STEP % 1)) for n in range(1, 2 * MOST_TRIED + 1) if own)
        whole = (own[place] for place in dict.fromkeys(places) if can_ask(own[place], evidence_tokens))
        found[language] = list(islice(whole, MOST_TRIED))
    return found


def _missing(papers: _Papers, written: Written) -> list[Paper]:
    """Return the next abstracts to try: of each language as many as it lacks questions."""
    batch: list[Paper] = []
    for language, some in papers.items():
        tried = written.tried.get(language, 0)
        batch += some[tried : tried + WANTED - len(written.of(language))]
    return batch
