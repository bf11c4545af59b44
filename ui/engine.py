"""What the page needs of `rag.RAG`: the seam at which tests put a scripted library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any, Literal, Protocol

from rag import (
    AddReport,
    Filters,
    Language,
    Paper,
    PaperMap,
    PaperPage,
    Prefill,
    ScoredChunk,
    Settings,
    StreamEvent,
    Trial,
    WorkDetails,
)


class Events(Iterator[StreamEvent], Protocol):
    """The events of one question, which any thread may close."""

    def close(self) -> None:
        """Stop the language model; whoever waits for an event finds the end."""


class Turn(Protocol):
    """A question's turn with the language model (`ui.line.Ticket`)."""

    def wait(self) -> bool:
        """Wait for the turn, and return whether it has come."""

    def leave(self) -> None:
        """Give up the turn."""


class Library(Protocol):
    """The public face of `rag.RAG`, as far as the page uses it."""

    def ask(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = ...,
        *,
        stream: Literal[True],
        filters: Filters | None = None,
        model: str | None = None,
        turn: Turn | None = None,
    ) -> Events:
        """Yield the sources, then, once it is the question's `turn` with the model, text and the answer.

        `model` is another one for this question.
        """

    def translate(self, text: str, to: Language, question: str = "") -> str | None:
        """Return quoted words in another language, None where that failed."""

    @property
    def prefilled(self) -> Prefill | None:
        """Return how far the preparation of the library has come."""

    def search(self, query: str, k: int = ..., filters: Filters | None = ...) -> Sequence[ScoredChunk]:
        """Return up to `k` papers, best first."""

    @property
    def state(self) -> tuple[str, str]:
        """The generation of the index, "" without one, and the name of the model."""

    def info(self) -> dict[str, Any]:
        """Return at least `records`, `papers`, `works` and `languages`."""

    def paper(self, paper_id: str) -> Paper | None:
        """Return an abstract by its id, None if it is gone."""

    def papers(
        self,
        query: str | None = None,
        filters: Filters | None = None,
        order: Literal["relevance", "year", "title", "added"] = ...,
        offset: int = ...,
        limit: int = ...,
    ) -> PaperPage:
        """Return a page of the works that pass."""

    def facets(
        self, query: str | None = None, filters: Filters | None = None
    ) -> Mapping[Any, Sequence[tuple[str, int]]]:
        """Return the values of each field with how many works have them."""

    def work(self, paper_id: str) -> WorkDetails | None:
        """Return all that is known of the work of an abstract."""

    def map(self) -> PaperMap:
        """Return the library as points of a plane."""

    def examples(self, count: int = ...) -> Sequence[Mapping[Language, str]]:
        """Return questions that the library answers, each in both languages."""

    def add(
        self,
        paths: Sequence[Path],
        progress: Callable[[str, int, int], None] = ...,
        stop: Event | None = None,
    ) -> AddReport:
        """Add the abstracts in files and folders."""

    def decide(self, first: str, second: str, *, one_work: bool) -> None:
        """Make two records one work or two, for good."""

    @property
    def settings(self) -> Settings:
        """The settings in use."""

    @property
    def notices(self) -> dict[Language, str]:
        """The sentences, in each language, that say which text leaves this machine."""

    def use(self, **changes: Any) -> None:
        """Change settings for the questions from now on."""

    def try_llm(self, **changes: Any) -> Trial:
        """Ask the model that `use(**changes)` would choose for one word."""

    def warm(self) -> None:
        """Load the models."""

    def prefill(self, progress: Callable[[str, int, int], None], stop: Event) -> object:
        """Prepare the abstracts, until all are done or `stop` is set."""

    def write_examples(self, *, stop: Event) -> int:
        """Have the model write more of the examples, until all are written or `stop` is set."""
