"""Small pictures for buttons, drawn in the colour of the text; the button's label says what they mean."""

from __future__ import annotations

_FRAME = (
    '<svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.4" '
    'stroke-linejoin="round" stroke-linecap="round" aria-hidden="true"><path d="{path}"/></svg>'
)
PENCIL = _FRAME.format(path="M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3 3 13zM9 4.7L11.3 7")
BIN = _FRAME.format(path="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.5 8.5h6l.5-8.5M6.7 7v3.7M9.3 7v3.7")
THUMB_UP = _FRAME.format(
    path="M2.5 7.5h2.3v6H2.5zM4.8 7.5L7.6 2c1 0 1.6.7 1.4 1.8L8.6 6.5h3.6c.9 0 1.5.8 1.3 1.7"
    "l-.9 4.1c-.1.7-.7 1.2-1.4 1.2H4.8"
)
THUMB_DOWN = _FRAME.format(
    path="M2.5 8.5h2.3v-6H2.5zM4.8 8.5L7.6 14c1 0 1.6-.7 1.4-1.8L8.6 9.5h3.6c.9 0 1.5-.8 1.3-1.7"
    "l-.9-4.1c-.1-.7-.7-1.2-1.4-1.2H4.8"
)
