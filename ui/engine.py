"""What the page needs of `rag.RAG`: the seam at which tests put a scripted library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

from rag import Filters, Language, Paper, Prefill, StreamEvent
from ui.line import Ticket


class Events(Iterator[StreamEvent], Protocol):
    """The events of one question, which any thread may close."""

    def close(self) -> None:
        """Stop the language model; whoever waits for an event finds the end."""


class Library(Protocol):
    """The public face of `rag.RAG`, as far as the page uses it."""

    def ask(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = ...,
        *,
        stream: Literal[True],
        filters: Filters | None = None,
        turn: Ticket | None = None,
    ) -> Events:
        """Yield the sources, then text, then the answer; `turn` is waited for before the model is asked."""

    def translate(self, text: str, to: Language, question: str = "") -> str | None:
        """Return quoted words in another language, None where that failed."""

    @property
    def prefilled(self) -> Prefill | None:
        """Return how far the preparation of the library has come."""

    def info(self) -> dict[str, Any]:
        """Return at least `records`, `papers`, `works` and `languages`."""

    def paper(self, paper_id: str) -> Paper | None:
        """Return an abstract by its id, None if it is gone."""
