"""Read damaged GB18030 and Big5: a lost or stray byte costs one character, not the rest of the line."""

from __future__ import annotations

from functools import cache

from rag.text.language import is_han

# Costs of reading bytes as something unlikely; see docs/decisions.md#encodings
_SKIPPED = 8  # a byte that is left out; three rare characters in a row are likelier than two lost bytes
_UNCOMMON = 5  # a character that exists and is rare
_LONG = 8  # a character of four bytes
_PRIVATE = 12  # a code that no character has
_LONGEST = 1 << 17  # bytes of a line; a longer one is not put right
_ASCII = 0x80
_NEVER_HALF = frozenset({0x80, 0xFF})  # bytes that are no part of a character
_COMMON_MARKS = frozenset(
    "，。、；：？！“”‘’（）《》【】〈〉「」『』〔〕—…·～％　℃°±×÷≤≥≠≈√∞∑∫∈→←↑↓①②③④⑤ⅠⅡⅢⅣⅤ"
    "αβγδεζηθκλμνξπρσςτφχψωΔΣΩΦΨΓΛΘ"
)


@cache
def is_common(char: str) -> bool:
    """Return whether `char` is common in Chinese: Simplified, Traditional, punctuation or Greek."""
    if char in _COMMON_MARKS or "\uff01" <= char <= "\uff5e":
        return True
    if not is_han(char):
        return False
    simplified, traditional = char.encode("gb2312", "replace"), char.encode("big5", "replace")
    # The levels that hold the frequent characters of GB 2312 (3,755) and Big5 (5,401).
    return 0xB0 <= simplified[0] <= 0xD7 or 0xA4 <= traditional[0] <= 0xC6


def resynchronised(line: bytes, encoding: str) -> str:
    """Decode `line` so that it has the fewest rare characters and left-out bytes.

    Where a byte was left out that may have been half a character, U+FFFD stands; half a character at the end,
    where a file was cut, and bytes that belong to no character leave nothing.
    """
    if len(line) > _LONGEST:
        return line.decode(encoding, "replace")
    length = len(line)
    best: list[float] = [0.0] * (length + 1)  # the least cost from a byte to the end
    step: list[tuple[int, str]] = [(0, "")] * length
    for start in range(length - 1, -1, -1):
        options = [(best[start + 1] + _SKIPPED, -1, _left_out(line, start))]
        options += [
            (best[start + size] + cost, -size, char) for size, char, cost in _readings(line, start, encoding)
        ]
        best[start], size, char = min(options)
        step[start] = (-size, char)
    parts, start = [], 0
    while start < length:
        size, char = step[start]
        parts.append(char)
        start += size
    return "".join(parts)


def _left_out(line: bytes, start: int) -> str:
    at_end = start == len(line) - 1
    return "" if at_end or line[start] in _NEVER_HALF else "\ufffd"


def _readings(line: bytes, start: int, encoding: str) -> list[tuple[int, str, float]]:
    if line[start] < _ASCII:
        return [(1, chr(line[start]), 0.0)]
    found: list[tuple[int, str, float]] = []
    for size in (2, 4):
        code = line[start : start + size]
        if len(code) == size and (char := _character(code, encoding)):
            cost = _PRIVATE if "\ue000" <= char <= "\uf8ff" else _LONG if size > 2 else _UNCOMMON
            found.append((size, char, 0.0 if size == 2 and is_common(char) else float(cost)))
    return found


@cache
def _character(code: bytes, encoding: str) -> str | None:
    """Return the one character that `code` is, or None."""
    try:
        char = code.decode(encoding)
    except UnicodeDecodeError:
        return None
    return char if len(char) == 1 else None
