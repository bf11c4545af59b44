"""What the buttons below an answer offer, and what the server hands to the browser that asked."""

from __future__ import annotations

import json
import re

import pytest

from rag import TextEvent
from tests.fake_rag import answer, citation, context
from ui.chat.format import turn_patch
from ui.chat.turn import Turn
from ui.export.menu import tools_html
from ui.export.room import copy, export
from ui.page import Event

OTTERS = context("Otters like amber lamps. They sleep.", title="Otters & lamps", year=2021)
OWLS = context("Owls like blue lamps.", title="Owls <b>")
CITED = (citation(1, OTTERS, "Otters like amber lamps."), citation(2, OWLS, "Owls like blue lamps."))
DONE = Turn("Which lamps?").after(answer("Which lamps?", "Amber [1] and blue [2].", [OTTERS, OWLS], CITED))
REFUSED = Turn("Why?").after(answer("Why?", "The abstracts do not say.", [OWLS], refused=True))
STOPPED = Turn("How?").after(TextEvent("With a lam", CITED[:1])).halted()
ALL = (DONE, REFUSED, STOPPED)


def event(**values: object) -> Event:
    return Event("me", values, {})


def offered(turn: Turn) -> list[str]:
    return re.findall(r"&quot;form&quot;: &quot;(\w+)&quot;", tools_html(1, turn))


def test_each_turn_offers_what_it_has() -> None:
    assert offered(DONE) == ["markdown", "html", "json", "csv", "bibtex", "ris", "csl"]
    assert offered(REFUSED) == ["markdown", "html", "json"]
    assert offered(STOPPED) == ["markdown", "html", "json", "bibtex", "ris", "csl"]
    assert tools_html(1, Turn("q").after(TextEvent("Half"))) == ""
    assert tools_html(1, Turn("q").halted()) == ""
    assert 'data-do="copy"' in turn_patch(1, DONE)["foot-1"]


@pytest.mark.parametrize("form", ["markdown", "html", "json", "csv", "bibtex", "ris", "csl"])
def test_an_answer_is_delivered_in_every_format(form: str) -> None:
    delivery = export(event(turn=1, form=form), ALL)
    assert delivery["name"].startswith("Which-lamps.")
    assert "lamps" in delivery["text"]
    assert delivery["id"] != export(event(turn=1, form=form), ALL)["id"]


def test_the_whole_conversation_is_delivered_with_what_was_stopped() -> None:
    told = json.loads(export(event(turn=0, form="json"), ALL)["text"])
    assert [turn["question"] for turn in told["turns"]] == ["Which lamps?", "Why?", "How?"]
    assert told["turns"][2]["answer"]["answer"] == "With a lam"
    assert "@" in export(event(turn=0, form="bibtex"), ALL)["text"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"turn": 9, "form": "json"},
        {"turn": "1", "form": "json"},
        {"turn": 1, "form": "exe"},
        {"turn": -1},
    ],
)
def test_an_event_that_no_button_sends_delivers_nothing(values: dict[str, object]) -> None:
    assert export(event(**values), ALL) == {}
    assert export(event(turn=0, form="json"), ()) == {}


def test_a_conversation_that_was_renamed_bears_its_title() -> None:
    delivery = export(event(turn=0, form="markdown"), ALL, "All about lamps")
    assert delivery["name"] == "All-about-lamps.md"
    assert delivery["text"].startswith("# All about lamps")


def test_a_copy_has_the_references() -> None:
    text = copy(event(turn=1), ALL)["copy"]
    assert text.startswith("Amber [1] and blue [2].\n\nReferences\n[1] Otters & lamps. 2021.")
    assert copy(event(turn=7), ALL)["copy"] == ""
