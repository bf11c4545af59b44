"""The Ask tab: its layout, and what happens when a question is asked, stopped or left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rag import Filters, Language
from ui.chat import labels
from ui.chat.asking import asking_of, models_of
from ui.chat.format import chat_html, status_html, turn_patch
from ui.chat.notes import status_of
from ui.chat.sources import sources_html
from ui.chat.stream import follow
from ui.chat.translating import translator
from ui.chat.turn import Turn, history
from ui.conversations.fates import Fates, fates_of
from ui.conversations.keeper import Keeper, Turns, place_patch, saved_patch
from ui.conversations.panel import opener_html
from ui.export import room as export_room
from ui.export.menu import conversation_tools_html
from ui.masthead import notice_patch
from ui.page import Event, Page, merged
from ui.patch import Patch, does
from ui.words import Label


@dataclass(frozen=True, slots=True)
class ChatRoom:
    """The parts of the Ask tab that other rooms act on; `answering` is the listener that streams answers."""

    question: Any
    answering: Any


def build(page: Page, keeper: Keeper, starters: str = "") -> ChatRoom:
    """Lay out the tab; `keeper` saves what is asked there, `starters` stand there before the first turn."""
    gr = page.gr
    with gr.Row(elem_id="desk", equal_height=False):
        with gr.Column(elem_id="talk", min_width=0):
            export_room.build(page, keeper)
            head = f'<div id="talk-head">{opener_html()}{conversation_tools_html()}</div>'
            page.html(f'{head}<div id="shared"></div><div id="turns">{chat_html(())}</div>', "chat")
            page.html(f'<div id="starters">{starters}</div>', "examples")
            question, send, stop, clear = _composer(page)
        with gr.Column(elem_id="side", min_width=0):
            page.html(f'<div id="shelf">{sources_html(())}</div>', "sources")
    asked = [question.submit, send.click, *map(page.action, ("ask", "again", "resend"))]
    room = ChatRoom(question, _wire_answers(page, keeper, question, asked))
    seen = [page.turns, page.conversation, page.patch]
    ending: dict[str, Any] = {"cancels": [room.answering], "queue": False}
    page.listen([stop.click], _halter(page, keeper), [page.turns, page.conversation], seen, **ending)
    page.listen([clear.click, page.action("past_new")], _clear, [], seen, **ending)
    page.on("sources", _older(page, keeper), [page.turns, page.conversation], [page.patch], queue=False)
    page.on("translate", translator(page), [page.turns], [page.patch], concurrency_limit=None)
    return room


def _composer(page: Page) -> tuple[Any, Any, Any, Any]:
    """Lay out the question box and what stands around it, in English until the script of the page has run."""
    gr = page.gr
    with gr.Column(elem_id="composer", min_width=0):
        page.html('<div id="scope"></div>', "scoped")
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


def starters_html(examples: Sequence[Mapping[Language, str]]) -> str:
    """Return buttons that ask the `examples`; the style sheet shows those in the language of the page."""
    return "".join(
        f'<button type="button" class="example in" lang="{language}"{does("ask", question=text)}>'
        f"{escape(text)}</button>"
        for example in examples
        for language, text in example.items()
    )


def _wire_answers(page: Page, keeper: Keeper, question: Any, events: Sequence[Any]) -> Any:
    """Answer at any of the events; an action brings its own question, otherwise the box has it."""

    async def answer(
        event: Event, typed: str, turns: Turns, known: str, scope: tuple[str, ...]
    ) -> AsyncIterator[tuple[Any, ...]]:
        known, turns = keeper.current(event.query.get("c", ""), known, turns)
        models = models_of(page.library) if "model" in event.values else ()
        asking = asking_of(event.values, typed, turns, models)
        if isinstance(asking, Label):
            yield page.skip(), page.skip(), page.skip(), {"said": status_html(asking)}
            return
        before: Turn | None = None
        filters = Filters(papers=frozenset(scope)) if scope else None
        past, ticket = asking.past, page.line.ticket(event.reader)
        saving = keeper.begin(known, event.reader, past, Turn(asking.question), again=asking.again)
        try:
            steps = follow(page.library, asking.question, history(past), filters, ticket, asking.model)
            async with contextlib.aclosing(steps):
                async for turn in steps:
                    if turn is before:  # nothing new; Gradio looks whether the reader is still there
                        yield page.skip(), page.skip(), page.skip(), page.skip()
                        continue
                    saving.saw(turn)
                    emptied = "" if before is None and asking.typed else page.skip()
                    shown = (*past, turn)
                    # The model may have been changed in another tab: who asks is told before text leaves.
                    notice = notice_patch(page.library) if before is None else {}
                    models = () if turn.busy else await asyncio.to_thread(models_of, page.library)
                    patch = merged(asking.patch, newest_patch(shown, models), saved_patch(saving), notice)
                    yield emptied, shown, saving.known, patch
                    before = turn
        finally:
            saving.finish()

    inputs = [question, page.turns, page.conversation, page.scope]
    outputs = [question, page.turns, page.conversation, page.patch]
    return page.listen(events, answer, inputs, outputs, concurrency_limit=None)


def newest_patch(turns: Sequence[Turn], models: Sequence[str] = ()) -> Patch:
    """Return all that the page shows of the last turn; `models` may be asked again, the one in use first."""
    turn = turns[-1]
    return merged(
        turn_patch(len(turns), turn, models),
        {"shelf": sources_html(turns), "said": status_html(status_of(turn))},
    )


def conversation_patch(
    turns: Sequence[Turn], fates: Fates | None = None, models: Sequence[str] = ()
) -> Patch:
    """Return a whole conversation, for a page that shows another one, with the sources of its last turn."""
    status = status_of(turns[-1]) if turns else labels.HINT
    shelf = sources_html(turns, fates=fates)
    return {"turns": chat_html(turns, models), "shelf": shelf, "said": status_html(status)}


def _halter(page: Page, keeper: Keeper) -> Callable[..., tuple[Any, ...]]:
    def halt(event: Event, turns: Turns, known: str) -> tuple[Any, ...]:
        if not turns:
            return turns, known, {}
        halted = (*turns[:-1], turns[-1].halted())
        keeper.stopped(known, event.reader, halted)
        return halted, known, newest_patch(halted, models_of(page.library))

    return halt


def _clear(event: Event) -> tuple[Any, ...]:
    return (), "", conversation_patch(()) | {"shared": ""} | place_patch("")


def _older(page: Page, keeper: Keeper) -> Callable[..., Patch]:
    def sources(event: Event, turns: Turns, known: str) -> Patch:
        """Show the sources of a turn, and lead to one of them."""
        _, turns = keeper.current(event.query.get("c", ""), known, turns)
        number = event.values.get("turn")
        if not isinstance(number, int) or not 1 <= number <= len(turns):
            return {}
        return {"shelf": sources_html(turns, number, fates_of(page.library, turns[number - 1]))}

    return sources
