"""The translation of a quotation, on demand, for a reader who asked in the other language."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from rag import RagError
from ui.chat import labels
from ui.chat.turn import Turn
from ui.engine import Library
from ui.page import Event
from ui.patch import Patch
from ui.text.typeset import typeset
from ui.words import Label


def translator(library: Library) -> Callable[..., AsyncIterator[Patch]]:
    """Return the handler of the action "translate", which carries `turn` and `source`, both from 1."""

    async def translate(event: Event, turns: tuple[Turn, ...]) -> AsyncIterator[Patch]:
        number, source = event.values.get("turn"), event.values.get("source")
        turn = turns[number - 1] if isinstance(number, int) and 1 <= number <= len(turns) else None
        quote = next((c.quote for c in turn.citations if c.number == source), None) if turn else None
        if turn is None or quote is None:
            yield {}
            return
        place = f"translation-{number}-{source}"
        yield {place: _note(labels.TRANSLATING, busy=True)}
        try:
            said = await asyncio.to_thread(library.translate, quote, turn.language, turn.question)
        except RagError as error:
            yield {place: _note(Label(str(error)))}
            return
        if said is None:
            yield {place: _note(labels.NOT_TRANSLATED)}
            return
        yield {place: f'<p lang="{turn.language}">{typeset(said)}</p>{_note(labels.TRANSLATED)}'}

    return translate


def _note(label: Label, *, busy: bool = False) -> str:
    dots = '<span class="dots" aria-hidden="true"></span>' if busy else ""
    return f'<p class="note">{label.html()}{dots}</p>'
