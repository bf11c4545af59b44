"""Turn the blocking stream of an answer into an asynchronous one that can be abandoned at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from rag import Filters, ProgressEvent, RagError, StreamEvent
from ui.chat.labels import BROKE_OFF
from ui.chat.turn import Turn
from ui.engine import Events, Library
from ui.line import Ticket
from ui.words import Label

# Gradio notices a closed tab only when the answer yields; higher lets the model work for nobody longer.
_TICK_S = 0.25

_Item = StreamEvent | RagError | None


async def stream(
    library: Library,
    question: str,
    past: Sequence[tuple[str, str]],
    filters: Filters | None = None,
    ticket: Ticket | None = None,
    model: str | None = None,
) -> AsyncGenerator[list[StreamEvent | RagError], None]:
    """Yield the events of `library.ask`, all that have arrived at a time; an error of citefold comes last.

    The question runs in a thread of its own; closing the stream closes the question. An unforeseen exception
    goes to `threading.excepthook`, and no Answer comes. Without events it yields [] every `_TICK_S` seconds.
    """
    loop, events = asyncio.get_running_loop(), asyncio.Queue[_Item]()
    asked: list[Events] = []
    abandoned = threading.Event()

    def put(event: _Item) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed once the server has stopped
            loop.call_soon_threadsafe(events.put_nowait, event)

    def produce() -> None:
        try:
            asked.append(library.ask(question, past, stream=True, filters=filters, model=model, turn=ticket))
            for event in () if abandoned.is_set() else asked[0]:
                put(event)
        except RagError as error:
            put(error)
        finally:
            put(None)

    threading.Thread(target=produce, name="question", daemon=True).start()
    try:
        ended = False
        while not ended:
            arrived = await _arrived(events)
            ended = arrived[-1:] == [None]
            yield [event for event in arrived if event is not None]
    finally:
        abandoned.set()
        for question_events in asked:  # in a thread: closing may wait for a lock
            threading.Thread(target=question_events.close, name="question", daemon=True).start()


async def _arrived(events: asyncio.Queue[_Item]) -> list[_Item]:
    """Return all that has arrived, nothing after `_TICK_S` seconds of silence."""
    try:
        arrived = [await asyncio.wait_for(events.get(), _TICK_S)]
    except TimeoutError:
        return []
    while not events.empty():
        arrived.append(events.get_nowait())
    return arrived


async def follow(
    library: Library,
    question: str,
    past: Sequence[tuple[str, str]],
    filters: Filters | None = None,
    ticket: Ticket | None = None,
    model: str | None = None,
) -> AsyncGenerator[Turn, None]:
    """Yield the turn of `question` as it grows, from the bare question to its end; `past` is the history.

    `ticket` is the question's place in the line before the model; `model` another one than that in use.
    """
    turn = Turn(question, model=model, scope=tuple(sorted(filters.papers)) if filters else ())
    yield turn
    async with contextlib.aclosing(stream(library, question, past, filters, ticket, model)) as events:
        async for arrived in events:
            for event in arrived:
                turn = _after(turn, event, library)
            place = ticket.place if ticket else 0
            if place != turn.place:
                turn = replace(turn, place=place)
            yield turn
    if turn.busy:
        yield turn.failed(BROKE_OFF)


def _after(turn: Turn, event: StreamEvent | RagError, library: Library) -> Turn:
    if isinstance(event, RagError):
        return turn.failed(Label(str(event)))
    if isinstance(event, ProgressEvent) and library.prefilled is not None:
        turn = replace(turn, prepared=(library.prefilled.read, library.prefilled.papers))
    return turn.after(event)
