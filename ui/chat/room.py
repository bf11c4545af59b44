"""The Ask tab: its layout, and what happens when a question is asked, stopped or left."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rag import Filters
from ui.chat import labels
from ui.chat.format import chat_html, status_html, turn_patch
from ui.chat.notes import status_of
from ui.chat.sources import sources_html
from ui.chat.stream import follow
from ui.chat.translating import translator
from ui.chat.turn import Turn, history
from ui.line import Line
from ui.page import Event, Page, merged
from ui.patch import Patch, does

# Readers see their sources at once; the model takes their questions in turn (`ui.line`).
_AT_ONCE = 40


@dataclass(frozen=True, slots=True)
class ChatRoom:
    """The parts of the Ask tab that other rooms act on; `answering` is the listener that streams answers."""

    question: Any
    answering: Any


def build(page: Page, examples: Sequence[str] = ()) -> ChatRoom:
    """Lay out the tab; `examples` are questions to begin with."""
    gr = page.gr
    with gr.Row(elem_id="desk", equal_height=False):
        with gr.Column(elem_id="talk", min_width=0):
            page.html(f'<div id="turns">{chat_html(())}</div>', "chat")
            page.html(f'<div id="starters">{starters_html(examples)}</div>', "examples")
            question, send, stop, clear = _composer(page)
        with gr.Column(elem_id="side", min_width=0):
            page.html(f'<div id="shelf">{sources_html(())}</div>', "sources")
    room = ChatRoom(
        question, _wire_answers(page, question, [question.submit, send.click, page.action("ask")])
    )
    seen = [page.turns, page.patch]
    page.listen([stop.click], _halt, [page.turns], seen, cancels=[room.answering], queue=False)
    page.listen([clear.click], _clear, [], seen, cancels=[room.answering], queue=False)
    page.on("translate", translator(page.library), [page.turns], [page.patch], concurrency_limit=_AT_ONCE)
    page.on("sources", _older_sources, [page.turns], [page.patch], queue=False)
    return room


def _composer(page: Page) -> tuple[Any, Any, Any, Any]:
    """Lay out the question box and what stands around it, in English until the script of the page has run."""
    gr = page.gr
    with gr.Column(elem_id="composer", min_width=0):
        with gr.Row(elem_id="ask"):
            question = gr.Textbox(
                label=labels.QUESTION.en, show_label=False, container=False, autofocus=True, lines=1,
                max_lines=6, placeholder=labels.PLACEHOLDER.en, elem_id="question", min_width=0,
            )  # fmt: skip
            send = page.button(labels.ASK, "send", variant="primary")
            stop = page.button(labels.STOP, "stop")
        with gr.Row(elem_id="line"):
            page.html(f'<div id="said">{status_html(labels.HINT)}</div>', "status")
            clear = page.button(labels.CLEAR, "clear")
    return question, send, stop, clear


def starters_html(examples: Sequence[str]) -> str:
    """Return buttons that ask the `examples`."""
    return "".join(
        f'<button type="button" class="example"{does("ask", question=text)}>{escape(text)}</button>'
        for text in examples
    )


def _wire_answers(page: Page, question: Any, events: Sequence[Any]) -> Any:
    """Answer at any of the events; an action brings its own question, otherwise the box has it."""
    line = Line()

    async def answer(
        event: Event, typed: str, past: tuple[Turn, ...], scope: tuple[str, ...]
    ) -> AsyncIterator[tuple[Any, ...]]:
        brought = event.values.get("question")
        asked = (brought if isinstance(brought, str) else typed).strip()
        if not asked:
            yield page.skip(), page.skip(), {"said": status_html(labels.NO_QUESTION)}
            return
        before: Turn | None = None
        filters = Filters() if scope else None  # the library room passes the chosen abstracts here
        ticket = line.ticket(event.reader)
        async with contextlib.aclosing(follow(page.library, asked, history(past), filters, ticket)) as steps:
            async for turn in steps:
                if turn is before:  # nothing new; Gradio looks whether the reader is still there
                    yield page.skip(), page.skip(), page.skip()
                    continue
                shown = (*past, turn)
                emptied = "" if before is None and brought is None else page.skip()
                yield emptied, shown, newest_patch(shown)
                before = turn

    inputs = [question, page.turns, page.scope]
    return page.listen(events, answer, inputs, [question, page.turns, page.patch], concurrency_limit=_AT_ONCE)


def newest_patch(turns: Sequence[Turn]) -> Patch:
    """Return all that the page shows of the last turn."""
    turn = turns[-1]
    return merged(
        turn_patch(len(turns), turn),
        {"shelf": sources_html(turns), "said": status_html(status_of(turn))},
    )


def conversation_patch(turns: Sequence[Turn]) -> Patch:
    """Return a whole conversation, for a page that shows another one."""
    status = status_of(turns[-1]) if turns else labels.HINT
    return {"turns": chat_html(turns), "shelf": sources_html(turns), "said": status_html(status)}


def _halt(event: Event, turns: tuple[Turn, ...]) -> tuple[Any, ...]:
    if not turns:
        return turns, {}
    halted = (*turns[:-1], turns[-1].halted())
    return halted, newest_patch(halted)


def _clear(event: Event) -> tuple[Any, ...]:
    return (), conversation_patch(())


def _older_sources(event: Event, turns: tuple[Turn, ...]) -> Patch:
    """Show the sources of a turn, and lead to one of them."""
    number = event.values.get("turn")
    if not isinstance(number, int) or not 1 <= number <= len(turns):
        return {}
    return {"shelf": sources_html(turns, number)}
