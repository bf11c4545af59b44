"""Sentence boundaries in English and Chinese text, as offsets."""

from __future__ import annotations

import re

# A full stop after one of these does not end a sentence. Kept short on purpose: a wrong split costs a
# citation a few words, a missed one costs it a sentence.
_ABBREVIATIONS = frozenset(
    "e.g i.e cf vs al fig figs eq eqs ref refs sec no nos approx resp ca dr prof mr mrs ms st inc ltd "
    "co corp u.s u.k ph.d jan feb mar apr jun jul aug sep sept oct nov dec vol pp ed eds".split()
)
# Ends: CJK stops anywhere; ASCII stops only before white space, a closing mark or the end of the text. A row
# of stops is read once and from its head: with backtracking "....x" would take time quadratic in its length.
_END = re.compile(
    r"[。！？；…]+[”’」』）)\]]*"
    r"|(?<![.!?])[.!?]++[\"'”’)\]]*+(?=\s|$|[㐀-䶿一-鿿])"
    r"|\n\s*\n"
)
# An abbreviation with its opening brackets is shorter than this; how far back from a full stop to look.
_LOOK_BACK = 16
_SPACE = re.compile(r"\s*")


def _is_abbreviation(text: str, start: int, match: re.Match[str]) -> bool:
    mark, end = match.group(), match.start()
    if not mark.startswith(".") or mark.startswith(".."):
        return False
    words = text[max(start, end - _LOOK_BACK) : end].split()
    word = words[-1].lstrip("([\"'").lower() if words and not text[end - 1].isspace() else ""
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word not in "ai")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of `text` as `(start, end)` offsets, in order, without surrounding white space.

    Together they cover every character of `text` that is not white space. A decimal point, a version
    number, a URL and a common abbreviation do not end a sentence. Takes time linear in the text.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if _is_abbreviation(text, start, match):
            continue
        if match.group()[0] == "." and _continues(text, match.end()):
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def sentence_texts(text: str) -> list[str]:
    """Return the sentences of `text` themselves; see `split_sentences`."""
    return [text[start:end] for start, end in split_sentences(text)]


def _continues(text: str, end: int) -> bool:
    """Say whether a small letter follows, so that a full stop before it ends nothing."""
    space = _SPACE.match(text, end)
    following = text[space.end() : space.end() + 1] if space else ""
    return following.islower() and following.isascii()


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        left = start + len(piece) - len(piece.lstrip())
        spans.append((left, left + len(stripped)))
