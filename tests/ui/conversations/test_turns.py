"""The buttons below an answer: the question edited, the answer rated."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.fake_rag import FakeRAG, script_of
from tests.ui.conversations.turns import answered, growing
from ui.conversations.keeper import Keeper
from ui.conversations.turns import Handlers, shown_ratings
from ui.page import Event

TURNS = (answered("First?"), answered("Second <b>?"))


@pytest.fixture
def handlers(tmp_path) -> Handlers:
    return Handlers(SimpleNamespace(library=FakeRAG(script_of("", []))), Keeper(tmp_path))


def event(**values: object) -> Event:
    return Event("browser a", values, {})


def test_a_rating_is_pressed_asks_for_a_remark_and_is_taken_back(handlers) -> None:
    patch = handlers.rate(event(turn=2, verdict="down"), TURNS, "c")
    assert list(patch) == ["rate-2"]
    assert patch["rate-2"].count('aria-pressed="true"') == 1
    assert 'data-do="remark"' in patch["rate-2"]
    patch = handlers.remark(event(turn=2, remark="<i>short"), TURNS, "c")
    assert 'data-do="remark"' not in patch["rate-2"]
    assert handlers.keeper.ratings.of("c", 2, TURNS[1].answer).remark == "<i>short"
    assert shown_ratings(handlers.keeper.ratings, "c", TURNS).keys() == {"rate-2"}
    patch = handlers.rate(event(turn=2, verdict="down"), TURNS, "c")
    assert 'aria-pressed="true"' not in patch["rate-2"]
    assert shown_ratings(handlers.keeper.ratings, "c", TURNS) == {}


def test_what_names_no_answer_is_left_alone(handlers) -> None:
    for values in ({}, {"turn": 0}, {"turn": 3}, {"turn": "1"}, {"turn": 1, "verdict": "sideways"}):
        assert handlers.rate(event(**values), TURNS, "c") == {}
    assert handlers.rate(event(turn=1, verdict="up"), (growing("First?"),), "c") == {}


def test_an_edited_question_starts_from_the_old_one(handlers) -> None:
    patch = handlers.edit(event(turn=2), TURNS, "c")
    assert "Second &lt;b&gt;?</textarea>" in patch["edit-2"]
    assert handlers.edit_end(event(turn=2)) == {"edit-2": ""}
