"""The line that says what is being waited for: on a terminal only, and gone before anything else."""

from __future__ import annotations

import io
import time
from typing import get_args

from rag.cli.waiting import WaitingLine, words_of
from rag.schema import ProgressEvent, SourcesEvent, Stage, TextEvent
from tests.export.samples import LAMPS, SNOW, found


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_the_stage_and_the_seconds_on_one_line() -> None:
    now = [0.0]
    terminal = Terminal()
    with WaitingLine(terminal, lambda: now[0], tick=60) as wait:
        wait.say("Searching the abstracts")
        assert terminal.getvalue() == ""  # too soon to be worth a word
        now[0] = 2.0
        wait.follow(SourcesEvent((found(LAMPS), found(SNOW)), "en"))
        assert terminal.getvalue() == "\r\x1b[KReading 2 abstracts, 2 s"
        wait.clear()
        wait.say("Nothing after the words have begun")
    assert terminal.getvalue() == "\r\x1b[KReading 2 abstracts, 2 s\r\x1b[K"


def test_the_seconds_run_while_nothing_happens() -> None:
    terminal = Terminal()
    seconds = iter(range(100))
    with WaitingLine(terminal, lambda: float(next(seconds)), tick=0.01) as wait:
        wait.say("Searching")
        deadline = time.monotonic() + 10
        while "Searching, 3 s" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "Searching, 3 s" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_file_is_told_nothing() -> None:
    file = io.StringIO()
    with WaitingLine(file, iter([0.0, 9.0, 9.0, 9.0]).__next__) as wait:
        wait.say("Searching")
    assert file.getvalue() == ""


def test_one_abstract_is_no_plural_and_words_are_no_stage() -> None:
    assert words_of(SourcesEvent((found(LAMPS),), "en")) == "Reading 1 abstract"
    assert words_of(SourcesEvent((), "en")) == ""
    assert words_of(TextEvent("Lamps")) == ""


def test_every_stage_has_words_with_its_counts() -> None:
    assert all(words_of(ProgressEvent(stage)) for stage in get_args(Stage))
    assert words_of(ProgressEvent("reading", 0, 1)) == "Reading 1 abstract"
    assert words_of(ProgressEvent("reading", 2, 3)) == "Reading abstract 2 of 3"
