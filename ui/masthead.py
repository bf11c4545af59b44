"""The header of the page: its name, what is indexed, the language switch, and a notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui import labels
from ui.engine import Library
from ui.patch import Patch
from ui.words import Label

_SIGN_OUT = (
    f'<form class="leave" method="post" action="/logout"><button>{labels.SIGN_OUT.html()}</button></form>'
)


def framed(masthead: str, *, signed_in: bool) -> str:
    """Return the masthead in what stays while it is patched: with `signed_in`, a button that signs out."""
    leave = _SIGN_OUT if signed_in else ""
    return f'<div class="mast-row"><div class="mast-all" id="masthead-all">{masthead}</div>{leave}</div>'


def masthead_patch(library: Library) -> Patch:
    """Return the masthead as it is now, with the notice where text leaves this machine."""
    return {"masthead-all": masthead_html(library.info(), notice_of(library)), **notice_patch(library)}


def notice_patch(library: Library) -> Patch:
    """Return the notice as it is now, which is quicker than the whole masthead."""
    return {"notice": _notice_html(notice_of(library))}


def notice_of(library: Library) -> Label | None:
    """Return which text leaves this machine, None if none does."""
    notices = library.notices
    return Label(**notices) if notices else None


def masthead_html(info: Mapping[str, Any], notice: Label | None = None) -> str:
    """Return the header: name, index, language switch, and `notice` where text leaves this machine."""
    counts = [labels.ABSTRACTS.of(info["works"])]
    for code, count in sorted(info["languages"].items(), key=lambda item: -item[1]):
        counts.append(labels.IN_LANGUAGE[code].of(count))
    facts = "".join(f"<li>{count.html()}</li>" for count in counts)
    return (
        f'<header><h1>citefold</h1><p class="tagline">{labels.TAGLINE.html()}</p>'
        "<ul "
        f'class="facts"{labels.INDEXED.attribute("aria-label")}>{facts}</ul>{_switch_html()}</header>'
        f'<div id="notice">{_notice_html(notice)}</div>'
    )


def _notice_html(notice: Label | None) -> str:
    return f'<p class="notice" role="note">{notice.html()}</p>' if notice else ""


def _switch_html() -> str:
    names = (("en", "EN", "English"), ("zh", "中文", "中文"))
    buttons = "".join(
        f'<button type="button" data-language="{code}" lang="{code}" aria-label="{name}">{shown}</button>'
        for code, shown, name in names
    )
    return f'<div class="languages" role="group"{labels.SWITCH.attribute("aria-label")}>{buttons}</div>'
