"""The events of one question as an iterator that any thread may close."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress

from rag.errors import LLMStoppedError
from rag.schema import StreamEvent


class EventStream(Iterator[StreamEvent]):
    """What `RAG.ask(stream=True)` yields; closing or dropping it frees the language model at once."""

    def __init__(self, events: Generator[StreamEvent, None, None], stop: Callable[[], None]) -> None:
        """Wrap events; `stop` ends the model's reply and prevents the next one."""
        self._events = events
        self._stop = stop

    def __next__(self) -> StreamEvent:
        """Return the next event; after `close` there is none."""
        try:
            return next(self._events)
        except LLMStoppedError:
            raise StopIteration from None

    def close(self) -> None:
        """Abandon the question; any thread may do so, and one that waits for an event finds the end."""
        self._stop()
        with suppress(ValueError):  # another thread runs them, and ends them
            self._events.close()
