"""A turn as the text that is stored of it, and back; everything it cited is in it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from ui.chat.turn import Turn
from ui.conversations.labels import UNREADABLE

if TYPE_CHECKING:
    from pydantic import TypeAdapter


def to_json(turn: Turn) -> str:
    """Return a turn as JSON. What its answer says again is left out."""
    if turn.answer:
        short = replace(turn, contexts=None, text="", citations=(), sentences=())
        if short.after(turn.answer) == turn:
            turn = short
    return _adapter().dump_json(turn).decode("utf-8")


def from_json(question: str, state: str) -> Turn:
    """Return the turn of `question` that `to_json` made `state` of.

    A state that cannot be read costs itself only: the turn then says so. Fields that another version of
    citefold added or took away do no harm.
    """
    from pydantic import ValidationError

    try:
        turn = _adapter().validate_json(state)
    except ValidationError:
        return Turn(question).failed(UNREADABLE)
    return turn.after(turn.answer) if turn.answer and turn.contexts is None else turn


def words_of(turn: Turn) -> str:
    """Return what a search finds a turn by: its question and its text."""
    return fold(f"{turn.question}\n{turn.text}")


def fold(text: str) -> str:
    """Return a text so that width, case and white space do not matter to a search."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@cache
def _adapter() -> TypeAdapter[Turn]:
    from pydantic import TypeAdapter

    return TypeAdapter(Turn)
