"""What can be done with a turn, as HTML below its answer: ask again, edit the question, rate the answer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ui.chat.turn import Turn
from ui.conversations import labels
from ui.conversations.ratings import REMARK_CHARS, Rating, Verdict
from ui.patch import Patch, button, does
from ui.words import Label


def acts_html(number: int, turn: Turn, models: Sequence[str] = ()) -> str:
    """Return the buttons of turn `number`, counted from 1; none while it is being answered.

    "Retry" is hidden by the style sheet in all turns but the last. `models` may be asked again, the one in
    use first: with several, it is a menu of them.
    """
    if turn.busy:
        return ""
    again = _again_html(number, models)
    edit = button(labels.EDIT.html(), "act", does("edit", turn=number))
    rate = rate_html(number, Rating(None)) if turn.answer else ""
    return (
        f'<div class="acts">{again}{edit}<div id="rate-{number}" class="rate">{rate}</div></div>'
        f'<div id="edit-{number}"></div>'
    )


def _again_html(number: int, models: Sequence[str]) -> str:
    if len(models) < 2:
        return button(labels.AGAIN.html(), "act again", does("again", turn=number))
    shown = [escape(name) for name in models]
    shown[0] += f' <span class="aside">{labels.IN_USE.html()}</span>'
    items = "".join(
        f"<li>{button(words, '', does('again', turn=number, model=name))}</li>"
        for words, name in zip(shown, models, strict=True)
    )
    return (
        f'<details class="menu again"><summary class="act">{labels.AGAIN.html()}</summary>'
        f'<div class="forms"><p>{labels.AGAIN_WITH.html()}</p><ul>{items}</ul></div></details>'
    )


def rate_html(
    number: int, rating: Rating, *, asked: bool = False, saved: bool = False, problem: Label | None = None
) -> str:
    """Return the two thumbs, the chosen one pressed; with `asked` a form for a remark, and what was said."""
    thumbs = _thumb(number, "up", rating) + _thumb(number, "down", rating)
    group = f'<span role="group" class="thumbs"{labels.RATE.attribute("aria-label")}>{thumbs}</span>'
    words = problem or (labels.RATING_SAVED if saved else None)
    said = f'<span class="rate-said" role="status">{words.html() if words else ""}</span>'
    if not asked or rating.verdict is None:
        return group + said
    hint = labels.REMARK_HINT.attribute("placeholder")  # its name too, for who cannot see it
    return (
        f'{group}<form class="remark"{does("remark", turn=number)}><input name="remark" '
        f'maxlength="{REMARK_CHARS}" value="{escape(rating.remark)}" autocomplete="off"{hint}>'
        f'<button type="submit" class="act">{labels.SAVE.html()}</button></form>{said}'
    )


def edit_html(number: int, turn: Turn) -> str:
    """Return a form with the question of a turn, to be changed and asked again."""
    cancel = button(labels.CANCEL.html(), "act", " data-escape" + does("edit_end", turn=number))
    box = f'name="question" rows="3" data-focus="end" data-draft="edit-{number}"'
    return (
        f'<form class="edit"{does("resend", turn=number)}>'
        f"<textarea {box}{labels.EDITED.attribute('aria-label')}>{escape(turn.question)}</textarea>"
        f'<div class="edit-buttons"><button type="submit" class="yes">{labels.RESEND.html()}</button>{cancel}'
        f'<span class="edit-note">{labels.EDIT_NOTE.html()}</span></div></form>'
    )


def rating_patch(number: int, rating: Rating, *, asked: bool = False, saved: bool = False) -> Patch:
    """Return the patch that shows the rating of a turn."""
    return {f"rate-{number}": rate_html(number, rating, asked=asked, saved=saved)}


def _thumb(number: int, verdict: Verdict, rating: Rating) -> str:
    label = labels.UP if verdict == "up" else labels.DOWN
    pressed = "true" if rating.verdict == verdict else "false"
    names = label.attribute("aria-label")
    rate = does("rate", turn=number, verdict=verdict)
    return button("", f"icon icon-{verdict}", f' aria-pressed="{pressed}"{names}{rate}')
