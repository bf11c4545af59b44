"""What is asked: the question in the box, one of an example, or a question of the conversation once more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rag import MAX_QUESTION_CHARS
from ui.chat import labels
from ui.chat.format import chat_html
from ui.chat.turn import Turn
from ui.patch import Patch
from ui.words import Label


@dataclass(frozen=True, slots=True)
class Asking:
    """A question after the turns `past`.

    `typed`: it stands in the box, which is emptied. `again`: the last turn is asked once more and gives way.
    `patch` has the page show `past` alone, where it showed more.
    """

    question: str
    past: tuple[Turn, ...]
    typed: bool = False
    again: bool = False
    patch: Patch = field(default_factory=dict)


def asking_of(values: Mapping[str, Any], typed: str, turns: tuple[Turn, ...]) -> Asking | Label:
    """Return what an event asks, or why nothing can be asked; what is typed stays in the box then.

    An action brings `question` (an example), `turn` (from 1: ask that one again), or both (it was edited).
    """
    number, brought = values.get("turn"), values.get("question")
    if isinstance(number, int) and not 1 <= number <= len(turns):
        return labels.NOTHING_THERE
    past = turns[: number - 1] if isinstance(number, int) else turns
    if isinstance(brought, str):
        question = brought.strip()
    else:
        question = turns[number - 1].question if isinstance(number, int) else typed.strip()
    if not question:
        return labels.NO_QUESTION
    if len(question) > MAX_QUESTION_CHARS:
        return labels.TOO_LONG.of(len(question), most=f"{MAX_QUESTION_CHARS:,}")
    again = number == len(turns) and not isinstance(brought, str)
    # All that the page shows of the turns before, and a place for this one.
    patch = {} if number is None else {"turns": chat_html((*past, Turn(question)))}
    return Asking(question, past, number is None and brought is None, again, patch)
