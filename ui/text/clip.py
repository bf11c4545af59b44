"""Long text cut to a length between words."""

from __future__ import annotations

import re

_TRAILING = re.compile(r"[\s,.;:，。；：、]+$")
_IN_WORD = re.compile(r"[\w'’-]", re.ASCII)


def clipped(text: str, most: int) -> str:
    """Return `text` on one line in at most `most` characters and an ellipsis; no Latin word is cut.

    A single word that is longer than that is cut all the same.
    """
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    return _TRAILING.sub("", line[: _boundary(line, most)]) + "…"


def head(text: str, most: int) -> str:
    """Return the beginning of `text`, at most `most` characters, up to a whole word."""
    return text if len(text) <= most else text[: _boundary(text, most)]


def tail(text: str, most: int) -> str:
    """Return the end of `text`, at most `most` characters, from a whole word on."""
    return text if len(text) <= most else head(text[::-1], most)[::-1]


def _boundary(text: str, most: int) -> int:
    end = most
    while end > 0 and _IN_WORD.match(text[end]) and _IN_WORD.match(text[end - 1]):
        end -= 1
    return end or most
