"""One question and what is known of its answer so far: the page's only state, frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag import (
    Answer,
    Citation,
    Highlight,
    Language,
    ProgressEvent,
    ScoredChunk,
    Sentence,
    SourcesEvent,
    StreamEvent,
    TextEvent,
)
from ui.words import Label


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its sources, text and end: an answer, an error, or a reader who pressed Stop.

    `contexts` is None until retrieval is done; `text` grows with each delta; `citations` and `sentences` are
    those known so far and become the answer's own at the end; `standalone` is what a follow-up was read as;
    `stage` is what is being done; `highlights` are the key sentences that are marked before an answer;
    `place` is the place in line, 0 for none; `prepared`: how many abstracts of how many are; `model` is
    another model than the one in use, which the reader chose for this answer; `scope` are the ids of the
    papers that alone were asked, none for the whole library.
    """

    question: str
    language: Language = "en"
    contexts: tuple[ScoredChunk, ...] | None = None
    text: str = ""
    citations: tuple[Citation, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    answer: Answer | None = None
    error: Label | None = None
    stopped: bool = False
    standalone: str | None = None
    stage: ProgressEvent | None = None
    highlights: tuple[Highlight, ...] = ()
    place: int = 0
    prepared: tuple[int, int] | None = None
    model: str | None = None
    scope: tuple[str, ...] = ()

    @property
    def busy(self) -> bool:
        """Return whether more is to come."""
        return self.answer is None and self.error is None and not self.stopped

    def language_of(self, paper_id: str) -> Language:
        """Return the language of a paper that was found for the question."""
        found = (c.paper.language for c in self.contexts or () if c.paper.paper_id == paper_id)
        return next(found, self.language)

    def after(self, event: StreamEvent) -> Turn:
        """Return the turn as it stands once `event` has arrived."""
        if isinstance(event, ProgressEvent):
            return replace(self, stage=event)
        if isinstance(event, SourcesEvent):
            return replace(
                self,
                contexts=event.contexts,
                language=event.language,
                standalone=event.standalone_question,
                highlights=event.highlights,
            )
        if isinstance(event, TextEvent):
            return replace(
                self,
                text=self.text + event.delta,
                citations=event.citations or self.citations,
                sentences=event.sentences or self.sentences,
            )
        return replace(
            self,
            language=event.language,
            contexts=event.contexts,
            text=event.answer,
            citations=event.citations,
            sentences=event.sentences,
            answer=event,
            standalone=event.standalone_question,
        )

    def failed(self, error: Label) -> Turn:
        """Return the turn ended by `error`, one sentence for the reader."""
        return replace(self, error=error)

    def halted(self) -> Turn:
        """Return the turn ended by the reader; a turn that had ended already stays as it is."""
        return replace(self, stopped=True) if self.busy else self


def history(turns: Sequence[Turn]) -> tuple[tuple[str, str], ...]:
    """Return the (question, answer text) pairs of answered turns, oldest first, without small talk.

    A follow-up stands as what it was read as, so that one after it can be understood.
    """
    return tuple(
        (turn.standalone or turn.question, turn.answer.answer)
        for turn in turns
        if turn.answer and turn.answer.kind != "chat"
    )
