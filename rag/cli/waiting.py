"""Say on a terminal what is being waited for: one line on standard error, overwritten until words come."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from rag.schema import ProgressEvent, SourcesEvent, Stage, StreamEvent

_TICK_S = 0.5  # seconds between two looks at the clock
_SHOWN_AFTER_S = 0.5  # seconds; a shorter wait says nothing
_CLEAR = "\r\x1b[K"
# What each stage of a `ProgressEvent` is called; `done` and `total` count abstracts, sentences or questions.
_STAGES: dict[Stage, str] = {
    "loading": "Loading the model",
    "interpreting": "Reading the question",
    "rewriting": "Reading the question with the ones before",
    "searching": "Searching the abstracts",
    "reading": "Reading abstract {done} of {total}",
    "translating": "Translating sentence {done} of {total}",
    "waiting": "Waiting in line, place {done}",
}


class WaitingLine:
    """A line such as "Searching the abstracts, 2 s" on a terminal; nothing where `stream` is none.

    Use it in a `with` block; `clear` takes the line away for good, before anything else is printed.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic, tick: float = _TICK_S
    ) -> None:
        """Write to `stream` (default: standard error); seconds are those of `clock` since now."""
        self._stream = stream or sys.stderr
        self._on = self._stream is not None and self._stream.isatty()
        self._clock, self._tick = clock, tick
        self._began = clock()
        self._words = self._drawn = ""
        self._ended = threading.Event()
        self._writing = threading.Lock()

    def __enter__(self) -> WaitingLine:
        """Begin to show the line."""
        if self._on:
            threading.Thread(target=self._run, name="waiting", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the line away."""
        self.clear()

    def say(self, words: str) -> None:
        """Show `words` with the seconds since the beginning."""
        self._words = words
        self._draw()

    def follow(self, event: StreamEvent) -> None:
        """Show what an event of `RAG.ask` says of the stage."""
        if words := words_of(event):
            self.say(words)

    def pause(self) -> None:
        """Take the line away until the next look at the clock."""
        with self._writing:
            if self._on and not self._ended.is_set():
                self._stream.write(_CLEAR)
                self._stream.flush()
                self._drawn = ""

    def clear(self) -> None:
        """Take the line away; nothing is shown after."""
        with self._writing:
            if self._on and not self._ended.is_set():
                self._ended.set()
                self._stream.write(_CLEAR)
                self._stream.flush()

    def _run(self) -> None:
        while not self._ended.wait(self._tick):
            self._draw()

    def _draw(self) -> None:
        seconds = self._clock() - self._began
        line = f"{self._words}, {seconds:.0f} s"
        with self._writing:
            due = self._words and seconds >= _SHOWN_AFTER_S and line != self._drawn
            if self._on and due and not self._ended.is_set():
                self._stream.write(f"{_CLEAR}{line}")
                self._stream.flush()
                self._drawn = line


def words_of(event: StreamEvent) -> str:
    """Return what to say while the next event is waited for, "" where nothing is new."""
    if isinstance(event, SourcesEvent):
        count = len(event.contexts)
        return f"Reading {count} abstract{'' if count == 1 else 's'}" if count else ""
    if not isinstance(event, ProgressEvent):
        return ""
    if event.stage == "reading" and not event.done:
        return f"Reading {event.total} abstract{'' if event.total == 1 else 's'}"
    return _STAGES[event.stage].format(done=event.done, total=event.total)
