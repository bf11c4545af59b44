"""Recognise the encoding of bytes by a mark, by valid UTF-8, or by what the text looks like.

The thresholds were tuned by benchmarks/encodings.py; see docs/decisions.md#encodings
"""

from __future__ import annotations

import codecs
import re

from rag.text.double_byte import is_common, resynchronised

#: Encodings of Chinese with characters of one and two bytes.
DOUBLE_BYTE = ("gb18030", "big5hkscs")
#: Common characters / all that are not ASCII; higher accepts fewer texts as Chinese.
COMMON_SHARE = 0.75
_INTACT_SHARE = 0.9  # the same share of a text that is surely Chinese, or surely UTF-16
_LEAST_WIDE = 8  # bytes; fewer are never UTF-16 without a mark
_LATIN_SHARE = 0.3  # bytes that are not ASCII / all letters; higher accepts more texts as Windows-1252
_LONG_RUNS_SHARE = 0.1  # runs of 3 and more such bytes / all runs; higher accepts more as Windows-1252
_GUESS_BYTES = 1 << 13  # bytes that are not UTF-8 and tell which encoding they are
_BINARY_SHARE = 0.02  # control bytes / all bytes; higher accepts more files as text
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_LETTER = re.compile(rb"[A-Za-z]")
_UNDECODED = re.compile("[\udc80-\udcff]")


def encoding_of(data: bytes) -> str | None:
    """Return the encoding of a file that begins with `data`, or None for a binary one."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if wide := _utf16(data):
        return wide
    if len(_CONTROL_BYTES.findall(data)) > _BINARY_SHARE * len(data):
        return None
    bad = [line for line in data.split(b"\n") if not is_utf8(line)]
    if not bad or is_damaged_utf8(sample := b"\n".join(bad)):
        return "utf-8"
    return looks_like(sample) or "utf-8"


def looks_like(data: bytes) -> str | None:
    """Return the encoding in which bytes that are not UTF-8 look most like Chinese or English."""
    share, encoding = max(
        (common_share(resynchronised(line, name) if _fails(line, name) else line.decode(name)), name)
        for name in reversed(DOUBLE_BYTE)
        for line in [data[:_GUESS_BYTES]]
    )
    western = western_text(data)
    if western is not None and (share < _INTACT_SHARE or has_single_bytes(data)):
        return "cp1252"
    return encoding if share >= COMMON_SHARE else None


def western_text(data: bytes) -> str | None:
    """Return the text if it looks like English with some letters of other languages, else None."""
    runs = _HIGH_RUN.findall(data)
    high = sum(map(len, runs))
    if high > _LATIN_SHARE * (high + len(_LETTER.findall(data))):
        return None
    if sum(len(run) > 2 for run in runs) > _LONG_RUNS_SHARE * len(runs):
        return None
    text = data.decode("cp1252", "surrogateescape")
    return None if _UNDECODED.search(text) else text


def has_single_bytes(data: bytes) -> bool:
    """Return whether most runs of bytes that are not ASCII are one byte long, which no Chinese text has."""
    runs = _HIGH_RUN.findall(data)
    return sum(len(run) == 1 for run in runs) > len(runs) / 2


def common_share(text: str) -> float:
    """Return the share of common characters among those that are not ASCII."""
    other = [char for char in text if char >= "\x80"]
    return sum(map(is_common, other)) / len(other) if other else 0.0


def is_utf8(data: bytes) -> bool:
    """Return whether bytes are valid UTF-8; half a character at their end is no error."""
    try:
        codecs.utf_8_decode(data, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def is_damaged_utf8(data: bytes) -> bool:
    """Return whether most of what is not ASCII is valid UTF-8."""
    text = data.decode("utf-8", "surrogateescape")
    bad = len(_UNDECODED.findall(text))
    good = sum(char >= "\x80" for char in text) - bad
    return good > bad


def _fails(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _utf16(data: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark, or None if the bytes are something else."""
    data = data[: len(data) & ~1]
    if len(data) < _LEAST_WIDE or (b"\x00" not in data and is_utf8(data)):
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = data.decode(encoding, "replace")
        likely = sum(" " <= char <= "~" or char in "\r\n\t" or is_common(char) for char in text)
        if likely >= _INTACT_SHARE * len(text):
            return encoding
    return None
