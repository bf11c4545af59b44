"""The translation of a quotation, on demand, for a reader who asked in the other language."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from rag import Language, RagError
from ui.chat import labels
from ui.chat.turn import Turn
from ui.chat.waiting import place_of
from ui.engine import Library
from ui.line import Ticket
from ui.page import Event, Page
from ui.patch import Patch
from ui.text.typeset import typeset
from ui.words import Label

# Seconds between two looks at the place in line, and at whether the reader is still there.
_LOOK_S = 0.25


def translator(page: Page) -> Callable[..., AsyncIterator[Patch]]:
    """Return the handler of the action "translate", which carries `turn` and `source`, both from 1.

    A translation waits in the line before the model, as a question does.
    """

    async def translate(event: Event, turns: tuple[Turn, ...]) -> AsyncIterator[Patch]:
        number, source = event.values.get("turn"), event.values.get("source")
        turn = turns[number - 1] if isinstance(number, int) and 1 <= number <= len(turns) else None
        quote = next((c.quote for c in turn.citations if c.number == source), None) if turn else None
        if turn is None or quote is None:
            yield {}
            return
        place, ticket = f"translation-{number}-{source}", page.line.ticket(event.reader)
        said = _begun(page.library, quote, turn.language, turn.question, ticket)
        try:
            while not said.done():
                yield {place: _note(place_of(ticket.place) or labels.TRANSLATING, busy=True)}
                await asyncio.wait([said], timeout=_LOOK_S)
            yield {place: _translated(said, turn.language)}
        finally:
            if ticket.place:  # who has left does not hold up the others
                ticket.leave()

    return translate


def _begun(
    library: Library, quote: str, to: Language, question: str, ticket: Ticket
) -> asyncio.Future[str | None]:
    """Translate in a thread of its own, once it is the turn of `ticket`."""

    def run() -> str | None:
        with ticket:
            return library.translate(quote, to, question) if ticket.wait() else None

    apart = ThreadPoolExecutor(1, "translation")
    said = asyncio.wrap_future(apart.submit(run))
    apart.shutdown(wait=False)
    return said


def _translated(said: asyncio.Future[str | None], language: Language) -> str:
    try:
        text = said.result()
    except RagError as error:
        return _note(Label(str(error)))
    if text is None:
        return _note(labels.NOT_TRANSLATED)
    return f'<p lang="{language}">{typeset(text)}</p>{_note(labels.TRANSLATED)}'


def _note(label: Label, *, busy: bool = False) -> str:
    dots = '<span class="dots" aria-hidden="true"></span>' if busy else ""
    return f'<p class="note">{label.html()}{dots}</p>'
