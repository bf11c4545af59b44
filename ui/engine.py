"""What the page needs of `rag.RAG`: the seam at which tests put a scripted library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

from rag import Filters, Paper, StreamEvent


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
    ) -> Events:
        """Yield the sources, then text, then the answer."""

    def info(self) -> dict[str, Any]:
        """Return at least `records`, `papers`, `works` and `languages`."""

    def paper(self, paper_id: str) -> Paper | None:
        """Return an abstract by its id, None if it is gone."""
