"""The head of the page: icon, styles, scripts, and the words that a script must place."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ui.words import Part

_STATIC = Path(__file__).parent / "static"
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' "
    "height='32' rx='7' fill='%231f4e79'/%3E%3Cpath d='M12 8H9v16h3M20 8h3v16h-3' fill='none' stroke='white' "
    "stroke-width='2.6'/%3E%3Ccircle cx='16' cy='16' r='2.4' fill='white'/%3E%3C/svg%3E"
)


def head_html(parts: Iterable[Part]) -> str:
    """Return the head; `page.css` and `page.js` come first, then the others by name.

    Gradio's `css` is not used, since it rewrites selectors.
    """
    words = json.dumps([(selector, name, label.en, label.zh or label.en) for selector, name, label in parts])
    styles = "".join(f"<style>{text}</style>" for text in _texts(".css"))
    scripts = "".join(f"<script>{text}</script>" for text in _texts(".js"))
    data = f'<script type="application/json" id="labels">{words}</script>'
    return f'<title>citefold</title><link rel="icon" href="{_ICON}">{styles}{data}{scripts}'


def _texts(ending: str) -> list[str]:
    files = sorted(_STATIC.glob(f"*{ending}"), key=lambda file: (file.stem != "page", file.name))
    return [file.read_text(encoding="utf-8") for file in files]
