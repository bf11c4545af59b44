"""What is asked: the question in the box, one of an example, or a question of the conversation once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rag import MAX_QUESTION_CHARS
from ui.chat import labels
from ui.chat.format import chat_html
from ui.chat.turn import Turn
from ui.engine import Library
from ui.patch import Patch
from ui.words import Label


@dataclass(frozen=True, slots=True)
class Asking:
    """A question after the turns `past`.

    `typed`: it stands in the box, which is emptied. `again`: the last turn is asked once more and gives way.
    `model` is another one than that in use. `patch` has the page show `past` alone, where it showed more.
    """

    question: str
    past: tuple[Turn, ...]
    typed: bool = False
    again: bool = False
    model: str | None = None
    patch: Patch = field(default_factory=dict)


def asking_of(
    values: Mapping[str, Any], typed: str, turns: tuple[Turn, ...], models: Sequence[str] = ()
) -> Asking | Label:
    """Return what an event asks, or why nothing can be asked; what is typed stays in the box then.

    An action brings `question` (an example), `turn` (from 1: ask that one again), or both (it was edited),
    and perhaps one of the `models` (the one in use comes first).
    """
    number, brought, model = values.get("turn"), values.get("question"), values.get("model")
    if isinstance(number, int) and not 1 <= number <= len(turns):
        return labels.NOTHING_THERE
    if model is not None and model not in models:
        return labels.NO_MODEL
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
    other = None if model in models[:1] else model
    return Asking(question, past, number is None and brought is None, again, other, patch)


def models_of(library: Library) -> tuple[str, ...]:
    """Return the models that a question may be asked again: the one in use, then the packaged ones here."""
    info = library.info()
    here = [model["name"] for model in info["models"] if model["kind"] == "llm" and model["present"]]
    away = bool(info["llm"]["endpoint"])
    used = info["llm"]["name"]
    return (used, *(name for name in here if away or name != used))
