"""The buttons below an answer and above a conversation that copy and export them, as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from ui.chat.turn import Turn
from ui.export import labels
from ui.patch import does
from ui.words import Label

WHOLE = 0  # stands for the whole conversation where else the number of a turn stands
_TEXTS = ("markdown", "html", "json")
_PAPERS = ("bibtex", "ris", "csl")
_TABLE_ROWS = 2  # cited papers from which an answer makes a table


def tools_html(number: int, turn: Turn) -> str:
    """Return Copy and the menu Export of a turn; nothing while it is written, and for one without words."""
    if turn.busy or not turn.text:
        return ""
    table = ("csv",) if len(turn.citations) >= _TABLE_ROWS else ()
    papers = _PAPERS if turn.citations else ()
    menu = _menu(labels.EXPORT, number, ((labels.ANSWER, (*_TEXTS, *table)), (labels.PAPERS, papers)))
    return f'<span class="tools">{_copy(number)}{menu}</span>'


def conversation_tools_html() -> str:
    """Return the menu that exports the whole conversation; the style sheet hides it without a turn."""
    groups = ((labels.CONVERSATION, _TEXTS), (labels.PAPERS, _PAPERS))
    return f'<div class="tools" id="conversation-tools">{_menu(labels.EXPORT_ALL, WHOLE, groups)}</div>'


def _copy(number: int) -> str:
    said = (("", labels.COPY), ("done", labels.COPIED), ("failed", labels.NOT_COPIED))
    words = "".join(f'<span data-when="{state}">{label.html()}</span>' for state, label in said)
    button = f'<button type="button" class="tool" data-state=""{does("copy", turn=number)}>{words}</button>'
    return f'{button}<span class="sr" role="status"></span>'


def _menu(label: Label, number: int, groups: Sequence[tuple[Label, Sequence[str]]]) -> str:
    """Return a disclosure with a list of formats for each group that has any."""
    lists = "".join(
        f"<p>{head.html()}</p><ul>{''.join(_item(number, form) for form in forms)}</ul>"
        for head, forms in groups
        if forms
    )
    return (
        f'<details class="menu"><summary class="tool">{label.html()}</summary><div '
        f'class="forms">{lists}</div></details>'
    )


def _item(number: int, form: str) -> str:
    action = does("export", turn=number, form=form)
    return f'<li><button type="button"{action}>{labels.FORMS[form].html()}</button></li>'
