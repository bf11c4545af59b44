"""Split English and Chinese text into sentences, given as offsets."""

from __future__ import annotations

import re

# A full stop after one of these does not end a sentence. The list is short because a wrong split costs a
# citation a few words, and a missed one costs it a sentence.
_ABBREVIATIONS = frozenset(
    "e.g i.e cf vs al fig figs eq eqs ref refs sec no nos approx resp ca dr prof mr mrs ms st inc ltd "
    "co corp u.s u.k ph.d jan feb mar apr jun jul aug sep sept oct nov dec vol pp ed eds".split()
)
# CJK stops end a sentence anywhere; ASCII stops only before white space, Han or the end of the text. The
# possessive quantifiers keep a row of stops linear.
_END = re.compile(
    r"[。！？；…]+[”’」』）)\]]*"
    r"|(?<![.!?])[.!?]++[\"'”’)\]]*+(?=\s|$|[㐀-䶿一-鿿])"
    r"|\n\s*\n"
)
_LOOK_BACK = 16  # characters; an abbreviation with its opening brackets is shorter
_SMALL_LETTER = re.compile(r"\s*+[a-z]")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences of `text` as `(start, end)` offsets, without surrounding white space.

    They cover every character that is not white space. A decimal point, a version number, a URL and a common
    abbreviation do not end a sentence. Takes linear time.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        continues = match[0][0] == "." and _SMALL_LETTER.match(text, match.end())
        if not continues and not _is_abbreviation(text, start, match):
            spans.append(strip_span(text, start, match.end()))
            start = match.end()
    spans.append(strip_span(text, start, len(text)))
    return [(start, end) for start, end in spans if start < end]


def sentence_texts(text: str) -> list[str]:
    """Return the sentences of `text` as strings."""
    return [text[start:end] for start, end in split_sentences(text)]


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span without the white space at its ends; it may be empty."""
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    return left, left + len(piece.strip())


def _is_abbreviation(text: str, start: int, match: re.Match[str]) -> bool:
    mark, end = match.group(), match.start()
    if not mark.startswith(".") or mark.startswith(".."):
        return False
    words = text[max(start, end - _LOOK_BACK) : end].split()
    word = words[-1].lstrip("([\"'").lower() if words and not text[end - 1].isspace() else ""
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word not in "ai")
