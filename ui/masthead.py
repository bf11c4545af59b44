"""The header of the page: its name, what is indexed, the language switch, and a notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui import labels
from ui.words import Label


def masthead_html(info: Mapping[str, Any], notice: Label | None = None) -> str:
    """Return the header: name, index, language switch, and `notice` where text leaves this machine."""
    counts = [labels.ABSTRACTS.of(info["works"])]
    for code, count in sorted(info["languages"].items(), key=lambda item: -item[1]):
        counts.append(labels.IN_LANGUAGE[code].of(count))
    facts = "".join(f"<li>{count.html()}</li>" for count in counts)
    warning = f'<p class="notice" role="note">{notice.html()}</p>' if notice else ""
    return (
        f'<header><h1>citefold</h1><p class="tagline">{labels.TAGLINE.html()}</p>'
        "<ul "
        f'class="facts"{labels.INDEXED.attribute("aria-label")}>{facts}</ul>{_switch_html()}</header>{warning}'
    )


def _switch_html() -> str:
    names = (("en", "EN", "English"), ("zh", "中文", "中文"))
    buttons = "".join(
        f'<button type="button" data-language="{code}" lang="{code}" aria-label="{name}">{shown}</button>'
        for code, shown, name in names
    )
    return f'<div class="languages" role="group"{labels.SWITCH.attribute("aria-label")}>{buttons}</div>'
