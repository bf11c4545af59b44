"""What the rooms of the page share: Gradio, the library, the states, and how an event reaches a handler."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.engine import Library
from ui.line import Line
from ui.patch import Patch
from ui.reader import reader_of
from ui.words import Label

if TYPE_CHECKING:
    from gradio import Blocks

# Listeners of the page: no spinner of Gradio's, and nobody else may call them.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Questions that an endpoint is asked at a time; more would share its speed, or meet its limits.
_AT_AN_ENDPOINT = 4
_ACTION = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Event:
    """What set a handler off: who did it, what an action carries (`data-with`), and the page's address."""

    reader: str
    values: dict[str, Any]
    query: dict[str, str]


class _Trigger:
    """What `gradio.on` reads of an event: whose it is, and its name."""

    has_trigger = True
    callback = None
    connection = "sse"
    event_specific_args: tuple[str, ...] = ()

    def __init__(self, block: Any, name: str) -> None:
        self.__self__ = block
        self.event_name = name


@dataclass
class Page:
    """The page while it is built. States are Gradio's: one value per open tab, kept by the server.

    `turns` is the open conversation, a tuple of `Turn`; `conversation` its id, "" before the first question;
    `scope` the ids of the abstracts that the reader asks about, empty for all. `patch` is an output that
    takes a `Patch`. `may_configure` says whether a reader may change settings; `line` is where questions wait
    for the model.
    """

    gr: Any
    library: Library
    data: Path
    may_add: bool
    may_configure: bool
    app: Blocks
    turns: Any = field(init=False)
    conversation: Any = field(init=False)
    scope: Any = field(init=False)
    patch: Any = field(init=False)
    line: Line = field(init=False)
    _actions: Any = field(init=False)

    def __post_init__(self) -> None:
        """Add the states and the two parts that have no look: what comes from the server, what goes to it."""
        self.turns, self.conversation, self.scope = self.gr.State(()), self.gr.State(""), self.gr.State(())
        self.line = Line(partial(_questions_at_once, self.library))
        self.patch = self.gr.HTML(
            {}, html_template="", elem_id="patch", visible="hidden",
            js_on_load="watch('value', () => citefold.apply(props.value)); citefold.apply(props.value);",
        )  # fmt: skip
        self._actions = self.gr.HTML(
            "", elem_id="actions", visible="hidden", js_on_load="citefold.listen(trigger);"
        )

    def html(self, value: str, name: str) -> Any:
        """Return a part of the page with HTML of ours; everything foreign in `value` is escaped already."""
        return self.gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=None)

    def button(self, label: Label, name: str, **options: Any) -> Any:
        """Return a button; its words in Chinese are set by an entry of the room's PARTS."""
        return self.gr.Button(label.en, elem_id=name, min_width=0, scale=0, **options)

    def action(self, name: str) -> Any:
        """Return the event that `data-do="name"` in our HTML sets off, for `listen`."""
        if not _ACTION.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an action")
        # Gradio knows the custom events of a part by their quoted names in its script.
        self._actions.js_on_load += f' // "{name}"'
        return _Trigger(self._actions, name)

    def listen(
        self,
        events: Sequence[Any],
        handler: Callable[..., Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        **options: Any,
    ) -> Any:
        """Call `handler(event, *inputs)` at any of the `events`; a patch among the outputs is a `Patch`.

        A handler may be a function, a coroutine or an asynchronous generator. `options` are Gradio's.
        """
        run = self._adapted(handler)
        arguments = QUIET | options
        return self.gr.on(list(events), run, list(inputs), list(outputs), **arguments)

    def on(
        self,
        name: str,
        handler: Callable[..., Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        **options: Any,
    ) -> Any:
        """Call `handler` when an element with `data-do="name"` is pressed."""
        return self.listen([self.action(name)], handler, inputs, outputs, **options)

    def skip(self) -> Any:
        """Return what leaves an output as it is."""
        return self.gr.skip()

    def _adapted(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a handler: Gradio passes a request and the event's data to parameters of these types."""
        hints = {"request": self.gr.Request, "data": self.gr.EventData}

        def event_of(request: Any, data: Any) -> Event:
            values = getattr(data, "_data", None)
            query = dict(request.query_params)
            return Event(reader_of(request), values if isinstance(values, dict) else {}, query)

        async def once(request: Any, data: Any, *inputs: Any) -> Any:
            result = handler(event_of(request, data), *inputs)
            return await result if inspect.isawaitable(result) else result

        async def streamed(request: Any, data: Any, *inputs: Any) -> AsyncIterator[Any]:
            steps = handler(event_of(request, data), *inputs)
            try:
                async for step in steps:
                    yield step
            finally:
                await steps.aclose()

        run = streamed if inspect.isasyncgenfunction(handler) else once
        run.__annotations__ = hints
        return run


def _questions_at_once(library: Library) -> int:
    """Return how many questions the model takes at a time: an endpoint several, the embedded one only one."""
    endpoint = getattr(getattr(library, "llm", None), "endpoint", None)
    return _AT_AN_ENDPOINT if endpoint else 1


def merged(*patches: Patch) -> Patch:
    """Return one patch of several; a later one wins."""
    return {key: html for patch in patches for key, html in patch.items()}
