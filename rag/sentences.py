"""Sentence boundaries in English and Chinese text, as offsets."""

from __future__ import annotations

import re

# A full stop after one of these does not end a sentence. Kept short on purpose: a wrong split costs a
# citation a few words, a missed one costs it a sentence.
_ABBREVIATIONS = frozenset(
    "e.g i.e cf vs etc al fig figs eq eqs ref refs sec no nos approx resp ca dr prof mr mrs ms st inc ltd "
    "co corp u.s u.k ph.d jan feb mar apr jun jul aug sep sept oct nov dec vol pp ed eds".split()
)
# Ends: CJK stops anywhere; ASCII stops only before white space, a closing mark or the end of the text.
_END = re.compile(
    r"[。！？；…]+[”’」』）)\]]*"
    r"|[.!?]+[\"'”’)\]]*(?=\s|$|[㐀-䶿一-鿿])"
    r"|\n\s*\n"
)
_LAST_WORD = re.compile(r"(\S+)$")


def _is_abbreviation(before: str, mark: str) -> bool:
    if not mark.startswith(".") or mark.startswith(".."):
        return False
    last = _LAST_WORD.search(before)
    word = last.group(1).lstrip("([\"'").lower() if last else ""
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word not in "ai")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of `text` as `(start, end)` offsets, in order, without surrounding white space.

    Together they cover every character of `text` that is not white space. A decimal point, a version
    number, a URL and a common abbreviation do not end a sentence.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if _is_abbreviation(text[start : match.start()], match.group()):
            continue
        following = text[match.end() :].lstrip()[:1]
        if match.group()[0] == "." and following.islower() and following.isascii():
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        left = start + len(piece) - len(piece.lstrip())
        spans.append((left, left + len(stripped)))
