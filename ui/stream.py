"""Turn the blocking stream of an answer into an asynchronous one that can be abandoned at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, Literal, Protocol

from rag import RagError, StreamEvent
from ui.labels import BROKE_OFF, Label
from ui.turn import Turn


class Library(Protocol):
    """What the page needs of `rag.RAG`: streamed answers, and figures for the header."""

    def ask(
        self, question: str, history: Sequence[tuple[str, str]] = ..., *, stream: Literal[True]
    ) -> Iterator[StreamEvent]:
        """Yield the sources, then text, then the answer."""

    def info(self) -> dict[str, Any]:
        """Return at least `records`, `papers`, `works` and `languages`."""


async def stream(
    library: Library, question: str, past: Sequence[tuple[str, str]]
) -> AsyncGenerator[list[StreamEvent | RagError], None]:
    """Yield the events of `library.ask`, all that have arrived at a time; an error of citefold comes last.

    The question runs in a thread of its own, so that Stop does not wait for the model; the thread ends at
    its next event. An unforeseen exception goes to `threading.excepthook`, and the stream ends without an
    Answer.
    """
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[StreamEvent | RagError | None] = asyncio.Queue()
    abandoned = threading.Event()

    def put(event: StreamEvent | RagError | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed once the server has stopped
            loop.call_soon_threadsafe(events.put_nowait, event)

    def produce() -> None:
        try:
            for event in library.ask(question, past, stream=True):
                if abandoned.is_set():
                    return
                put(event)
        except RagError as error:
            put(error)
        finally:
            put(None)

    threading.Thread(target=produce, name="question", daemon=True).start()
    try:
        ended = False
        while not ended:
            arrived = [await events.get()]
            while not events.empty():
                arrived.append(events.get_nowait())
            ended = arrived[-1] is None
            if news := [event for event in arrived if event is not None]:
                yield news
    finally:
        abandoned.set()


async def follow(
    library: Library, question: str, past: Sequence[tuple[str, str]]
) -> AsyncGenerator[Turn, None]:
    """Yield the turn of `question` as it grows, from the bare question to its end; `past` is the history."""
    turn = Turn(question)
    yield turn
    async with contextlib.aclosing(stream(library, question, past)) as events:
        async for arrived in events:
            for event in arrived:
                turn = turn.failed(Label(str(event))) if isinstance(event, RagError) else turn.after(event)
            yield turn
    if turn.busy:
        yield turn.failed(BROKE_OFF)
