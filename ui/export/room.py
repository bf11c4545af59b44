"""What happens at Copy and Export: the server writes the text, the browser of the reader takes it.

The text goes back over the connection of the tab that asked, so there is no address that anyone else could
open and no file on the server.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from rag import Answer, ExportFile, Timings, UserError, export_answer, export_conversation, plain_text
from ui.chat.turn import Turn
from ui.conversations.keeper import Keeper, Turns
from ui.export.menu import WHOLE
from ui.page import Event, Page

Delivery = dict[str, str]


def build(page: Page, keeper: Keeper) -> None:
    """Answer the buttons of every turn, and that of the conversation, which bears its title in the list."""
    delivery = page.gr.HTML(
        {}, html_template="", elem_id="delivery", visible="hidden",
        js_on_load="watch('value', () => citefoldExport.receive(props.value));",
    )  # fmt: skip

    def exported(event: Event, turns: Turns, known: str) -> Delivery:
        known, turns = keeper.current(event.query.get("c", ""), known, turns)
        return export(event, turns, keeper.title(known))

    def copied(event: Event, turns: Turns, known: str) -> Delivery:
        return copy(event, keeper.current(event.query.get("c", ""), known, turns)[1])

    shown = [page.turns, page.conversation]
    page.on("export", exported, shown, [delivery], queue=False)
    page.on("copy", copied, shown, [delivery], queue=False)


def export(event: Event, turns: Sequence[Turn], title: str = "") -> Delivery:
    """Return the file that the event names; nothing for what is not there.

    A conversation without a `title` bears its first question.
    """
    number, form = event.values.get("turn"), str(event.values.get("form"))
    try:
        if number == WHOLE and turns:
            return _delivered(export_conversation(title or turns[0].question, _pairs(turns), form))
        answer = _answer_at(turns, number)
        return _delivered(export_answer(answer, form)) if answer else {}
    except UserError:  # a format that the page does not offer: nobody pressed a button of ours
        return {}


def copy(event: Event, turns: Sequence[Turn]) -> Delivery:
    """Return the text of an answer with its references; "" for what is not there, so that nobody waits."""
    answer = _answer_at(turns, event.values.get("turn"))
    return {"copy": plain_text(answer) if answer else "", "id": secrets.token_hex(4)}


def answer_of(turn: Turn) -> Answer | None:
    """Return the answer of a turn; of one that was stopped what was written, None without a word."""
    if turn.answer or not turn.text:
        return turn.answer
    return Answer(
        turn.question, turn.language, turn.text, False, turn.sentences, turn.citations,
        turn.contexts or (), 0, Timings(0.0, 0.0, 0.0), standalone_question=turn.standalone,
    )  # fmt: skip


def _pairs(turns: Sequence[Turn]) -> list[tuple[str, Answer | None]]:
    return [(turn.question, answer_of(turn)) for turn in turns]


def _answer_at(turns: Sequence[Turn], number: Any) -> Answer | None:
    known = isinstance(number, int) and 1 <= number <= len(turns)
    return answer_of(turns[number - 1]) if known else None


def _delivered(file: ExportFile) -> Delivery:
    # Gradio tells the browser only of a value that differs from the one before: the id makes it differ.
    return {"name": file.name, "type": file.media_type, "text": file.text, "id": secrets.token_hex(4)}
