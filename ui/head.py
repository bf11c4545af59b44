"""The head of the page: icon, style, scripts, and the words that a script must place."""

from __future__ import annotations

import json
from pathlib import Path

from ui import labels

_HERE = Path(__file__).parent
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' "
    "height='32' rx='7' fill='%231f4e79'/%3E%3Cpath d='M12 8H9v16h3M20 8h3v16h-3' fill='none' stroke='white' "
    "stroke-width='2.6'/%3E%3Ccircle cx='16' cy='16' r='2.4' fill='white'/%3E%3C/svg%3E"
)
# The toolkit's own parts take one text: language.js puts it there, as the attribute named, or as their text.
_PARTS = (
    ("#question label > span", "", labels.QUESTION),
    ("#question textarea", "placeholder", labels.PLACEHOLDER),
    ("#send", "", labels.ASK),
    ("#stop", "", labels.STOP),
    ("#clear", "", labels.CLEAR),
    ("#chat", "aria-label", labels.CONVERSATION),
    ("#sources", "aria-label", labels.SOURCES),
)


def head_html() -> str:
    """Return the head; Gradio's `css` is not used, since it rewrites selectors."""
    style, *scripts = (_read(name) for name in ("style.css", "language.js", "citations.js"))
    parts = json.dumps([(selector, name, label.en, label.zh) for selector, name, label in _PARTS])
    return (
        f'<link rel="icon" href="{_ICON}"><style>{style}</style>'
        f'<script type="application/json" id="labels">{parts}</script>'
        f"{''.join(f'<script>{script}</script>' for script in scripts)}"
    )


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
