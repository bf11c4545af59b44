"""What the reader waits for: the stage, the place in line, and how much of the library is prepared.

The seconds are counted by the browser (static/chat.js), so that nothing is sent for them.
"""

from __future__ import annotations

from ui.chat import labels
from ui.chat.turn import Turn
from ui.words import Label


def waiting_html(turn: Turn) -> str:
    """Return the line that says what is being done, empty once there is nothing to wait for."""
    if not turn.busy:
        return ""
    prepared = prepared_of(turn)
    more = f'<span class="prepared">{prepared.html()}</span>' if prepared else ""
    return (
        f'<p class="waiting"><span class="doing">{doing(turn).html()}</span>'
        f'<span class="seconds" aria-hidden="true"></span>{more}</p>'
    )


def doing(turn: Turn) -> Label:
    """Return what is being done for a busy turn."""
    if waits := place_of(turn.place):
        return waits
    stage = turn.stage
    if stage is None:
        return labels.SEARCHING if turn.contexts is None else labels.READING.of(len(turn.contexts))
    if stage.stage == "reading":
        if not stage.done:
            return labels.READING.of(stage.total)
        numbers = {"done": str(stage.done), "total": str(stage.total)}
        return labels.READING_ONE if stage.total == 1 else labels.READING_NUMBER.of(stage.total, **numbers)
    if stage.stage == "loading" and turn.contexts is None:
        return labels.LOADING_EMBEDDER
    return labels.STAGES[stage.stage]


def place_of(place: int) -> Label | None:
    """Return what a place in line is called, None for none."""
    if not place:
        return None
    return labels.NEXT_IN_LINE if place == 1 else labels.IN_LINE.of(place)


def prepared_of(turn: Turn) -> Label | None:
    """Return how much of the library is prepared, while that makes the reader wait for longer."""
    if turn.prepared is None or turn.stage is None or turn.stage.stage != "reading" or turn.place:
        return None
    done, total = turn.prepared
    return labels.PREPARED.of(total, done=str(done)) if done < total else None
