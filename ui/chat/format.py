"""Turns to HTML, pure. Every string that is not ours is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ui.chat import labels
from ui.chat.cards import cards_html
from ui.chat.markers import cite_html
from ui.chat.notes import notes
from ui.chat.rows import table_html
from ui.chat.turn import Turn
from ui.chat.waiting import waiting_html
from ui.conversations.acts import acts_html
from ui.export.menu import tools_html
from ui.patch import Patch
from ui.text.clip import clipped
from ui.text.typeset import plain, typeset
from ui.words import Label

_MARKER = re.compile(r"\[(\d{1,4})\]")
_CLOSING = re.compile(r"[。！？.!?；;…]+$")
_TAIL = re.compile(r"(?:\s*\[\d{1,4}\])*[。！？.!?；;…]*")
# A pasted page must not push the answer out of sight; the whole question still went to the model.
_QUESTION_SHOWN = 1200


def chat_html(turns: Sequence[Turn], models: Sequence[str] = ()) -> str:
    """Return the conversation, oldest first; a welcome when it is empty. `models` as in `turn_patch`."""
    if not turns:
        return f'<div class="welcome"><p>{labels.WELCOME.html()}</p></div>'
    return "".join(_turn_html(number, turn, models) for number, turn in enumerate(turns, 1))


def turn_patch(number: int, turn: Turn, models: Sequence[str] = ()) -> Patch:
    """Return all that the page shows of a turn in the conversation; the answer grows at its end.

    `models` may be asked again: the one in use, then others.
    """
    table = table_html(number, turn)
    return {
        f"turn-{number}": _frame_html(number, turn),
        f"turn-{number}@aria-busy": "true" if turn.busy else "false",
        f"turn-{number}@class": _classes(turn),
        f"read-as-{number}": _read_as_html(turn),
        f"state-{number}": _state_html(turn),
        f"answer-{number}@lang": turn.language,
        f"answer-{number}": _linked(number, turn) if turn.text and not table else "",
        f"table-{number}": table,
        f"next-{number}": _next_html(turn),
        f"cards-{number}": cards_html(number, turn),
        f"foot-{number}": _foot_html(number, turn),
        f"acts-{number}": acts_html(number, turn, models),
        f"notes-{number}": _notes_html(turn),
    }


def status_html(status: Label) -> str:
    """Return the line below the question box; a change of it is read out."""
    return f'<p role="status">{status.html()}</p>'


def _turn_html(number: int, turn: Turn, models: Sequence[str]) -> str:
    """Return a whole turn, as `turn_patch` leaves it."""
    parts = turn_patch(number, turn, models)
    html = parts[f"turn-{number}"]
    for key, inner in parts.items():
        if "@" not in key and not key.startswith("turn-"):
            html = html.replace(f'id="{key}"></', f'id="{key}">{inner}</', 1)
    busy = parts[f"turn-{number}@aria-busy"]
    html = html.replace(f'id="answer-{number}"', f'id="answer-{number}" lang="{turn.language}"', 1)
    return f'<article class="{_classes(turn)}" id="turn-{number}" aria-busy="{busy}">{html}</article>'


def _frame_html(number: int, turn: Turn) -> str:
    """Return what of a turn never changes: the question, and empty places for the rest."""
    question = turn.question
    if len(question) > _QUESTION_SHOWN:
        question = clipped(question, _QUESTION_SHOWN)
    return (
        f'<h2 class="question"><span class="sr">{labels.ASKED.html()}</span>{plain(question)}</h2>'
        f'<div id="read-as-{number}"></div><div class="reply"><div id="state-{number}"></div>'
        f'<p class="answer" id="answer-{number}"></p><div id="table-{number}"></div>'
        f'<div id="next-{number}"></div></div><div id="cards-{number}"></div><div id="foot-{number}"></div>'
        f'<div id="acts-{number}"></div><div id="notes-{number}"></div>'
    )


def _classes(turn: Turn) -> str:
    return "turn refused" if turn.answer and turn.answer.refused else "turn"


def _read_as_html(turn: Turn) -> str:
    if not turn.standalone:
        return ""
    meant = f'<span lang="{turn.language}">{plain(turn.standalone)}</span>'
    return f'<p class="read-as">{labels.READ_AS.html()}{meant}</p>'


def _state_html(turn: Turn) -> str:
    """Return what stands above the words: what is being done, or that this is a refusal."""
    if turn.answer and turn.answer.refused:
        return f'<p class="label">{labels.REFUSED.html()}</p>'
    return "" if turn.text else waiting_html(turn)


def _more_to_read(turn: Turn) -> bool:
    """Return whether another abstract is read after the words that are shown."""
    return turn.stage is not None and turn.stage.stage == "reading" and turn.stage.done > 1


def _next_html(turn: Turn) -> str:
    """Return what stands below the words: what is being done, or why no more will come."""
    if turn.error:
        return f'<p class="error" role="alert">{turn.error.html()}</p>'
    return waiting_html(turn) if turn.text and _more_to_read(turn) else ""


def _linked(number: int, turn: Turn) -> str:
    """Return the escaped text, its markers as links to source cards, weak sentences marked."""
    parts: list[str] = []
    done = 0
    for start, end in _weak_spans(turn):
        parts += [
            _markers_linked(number, turn, done, start),
            f'<span class="weak"{labels.WEAK.attribute("title")}>{_markers_linked(number, turn, start, end)}'
            f'<span class="sr"> ({labels.WEAK.html()})</span></span>',
        ]
        done = end
    return "".join(parts) + _markers_linked(number, turn, done, len(turn.text))


def _weak_spans(turn: Turn) -> list[tuple[int, int]]:
    """Return the spans of weakly supported sentences, with their markers and punctuation."""
    spans: list[tuple[int, int]] = []
    position = 0
    for sentence in turn.sentences:
        body = _CLOSING.sub("", sentence.text)
        start = turn.text.find(body, position)
        if not body or start < 0:
            continue
        position = start + len(body)
        tail = _TAIL.match(turn.text, position)
        position = tail.end() if tail else position
        # A sentence without a source is counted below the answer instead.
        if sentence.support == "weak" and sentence.citations:
            spans.append((start, position))
    return spans


def _markers_linked(number: int, turn: Turn, start: int, end: int) -> str:
    """Return a stretch of the text escaped, with each known marker as a link to its source card.

    A marker stays on the line of the word it follows: its blank becomes a margin, word joiners (U+2060)
    hold it.
    """
    known = {citation.number for citation in turn.citations}
    parts: list[str] = []
    for match in _MARKER.finditer(turn.text, start, end):
        if int(match[1]) not in known:
            continue
        parts += [typeset(turn.text[start : match.start()].rstrip(" ")), cite_html(number, int(match[1]))]
        start = match.end()
    return "".join(parts) + typeset(turn.text[start:end])


def _has_sources(turn: Turn) -> bool:
    return turn.contexts is not None and not turn.busy and not (turn.answer and turn.answer.kind == "chat")


def _notes_html(turn: Turn) -> str:
    said = notes(turn.answer) if turn.answer else [labels.CUT_SHORT] if turn.stopped else []
    if turn.model:
        said = [*said, labels.BY_MODEL.of(name=turn.model)]
    if turn.scope:
        said = [*said, labels.AMONG.of(len(turn.scope))]
    if not said or not _has_sources(turn):
        return ""
    return f'<p class="notes">{"".join(f"<span>{note.html()}</span>" for note in said)}</p>'


def _foot_html(number: int, turn: Turn) -> str:
    if turn.contexts is None or not _has_sources(turn):
        return ""
    button = ""
    if turn.contexts:
        button = (
            f'<button type="button" class="show" data-goto="sources-{number}" aria-controls="shelf">'
            f"{labels.SOURCE_COUNT.of(len(turn.contexts)).html()}</button>"
        )
    return f'<div class="foot">{button}{tools_html(number, turn)}</div>'
