"""Decode the bytes of a corpus file, line by line, into text.

A byte order mark decides, then valid UTF-8, then what a text looks like when it is read as UTF-16, GB18030,
Big5 or Windows-1252. The thresholds were tuned by benchmarks/encodings.py; see docs/decisions.md#encodings
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rag.text.double_byte import is_common, resynchronised

#: Bytes from the beginning of a file that decide its encoding and its format.
SAMPLE_BYTES = 1 << 18
#: Bytes of a line that are decoded at once; a longer line comes in pieces.
PIECE_BYTES = 1 << 20

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DOUBLE_BYTE = ("gb18030", "big5hkscs")
_OWN = frozenset({*_DOUBLE_BYTE, "utf-8", "cp1252"})
# Common characters / all that are not ASCII; higher accepts fewer texts as Chinese or as UTF-16.
_COMMON_SHARE = 0.75
_INTACT_SHARE = 0.9  # the same share of a text that is surely Chinese, or surely UTF-16
_FEW = 8  # characters in a row that are looked at together
_MANY_RARE = (
    3  # rare ones among them; as many tell of a lost byte, and their path of least cost is looked for
)
_LATIN_SHARE = 0.3  # bytes that are not ASCII / all letters; higher accepts more texts as Windows-1252
_LONG_RUNS_SHARE = 0.1  # runs of 3 and more such bytes / all runs; higher accepts more as Windows-1252
_GUESS_BYTES = 1 << 13  # bytes that are not UTF-8 and tell which encoding they are
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_BINARY_SHARE = 0.02  # control bytes / all bytes; higher accepts more files as text
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_LETTER = re.compile(rb"[A-Za-z]")
_OTHER_RUN = re.compile("[^\x00-\x7f]+")
_UNDECODED = re.compile("[\udc80-\udcff]")
_UNDECODED_RUN = re.compile("[\udc80-\udcff]+")
_HAN_BYTES = re.compile(rb"[\xe2-\xe9\xef][\x80-\xbf]{2}")  # a CJK character or punctuation mark in UTF-8
# Bytes below 0x30 are never half a character, so a long line may be cut behind them.
_SAFE_CUT = re.compile(rb"[\x09-\x2f](?=[^\x09-\x2f]*\Z)")


def read_bytes(path: Path) -> tuple[bytes, str | None]:
    """Return the bytes of a file, unzipped if gzipped, and the error that stopped reading or None."""
    read = bytearray()
    try:
        with open_bytes(path) as stream:
            while block := stream.read(1 << 20):
                read += block
    except (OSError, EOFError, zlib.error) as error:
        return bytes(read), stopped_by(error)
    return bytes(read), None


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading; a gzipped one, whatever its name, is unzipped."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return io.BufferedReader(gzip.open(path)) if zipped else path.open("rb")


def stopped_by(error: OSError | EOFError | zlib.error) -> str:
    """Return in words why a file could not be read to its end."""
    return f"cannot be read to its end: {getattr(error, 'strerror', None) or error}"


def decode(data: bytes) -> str | None:
    """Return the text of `data`, or None for a binary file.

    Bytes that no encoding explains become lone surrogates. `is_undecodable` finds them, so that only their
    record is lost.
    """
    encoding = encoding_of(data)
    return None if encoding is None else "".join(decoded_lines(io.BytesIO(data), encoding))


def is_undecodable(text: str) -> bool:
    """Return whether text from `decode` contains invalid bytes."""
    return _UNDECODED.search(text) is not None


def encoding_of(data: bytes) -> str | None:
    """Return the encoding of a file that begins with `data`, or None for a binary one."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if wide := _utf16(data):
        return wide
    if len(_CONTROL_BYTES.findall(data)) > _BINARY_SHARE * len(data):
        return None
    bad = [line for line in data.split(b"\n") if not _is_utf8(line)]
    if not bad or _is_damaged_utf8(sample := b"\n".join(bad)):
        return "utf-8"
    return _looks_like(sample) or "utf-8"


def decoded_lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines of a stream with their ends; a very long line comes in pieces.

    A line that is not valid in `encoding` is read as what it looks like by itself, so that files of several
    encodings can be joined.
    """
    if encoding.startswith(("utf-16", "utf-32", "utf-7")):
        yield from _wide_lines(stream, encoding)
        return
    first = True
    for line in _pieces(stream, encoding):
        if line.startswith(codecs.BOM_UTF8):  # also within a file, where files were joined
            line = line[len(codecs.BOM_UTF8) :]
        yield _decoded(line, encoding)
        first = False
    if first:
        yield ""


def _pieces(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    held = b""
    while piece := stream.readline(PIECE_BYTES):
        piece = held + piece
        held = b""
        if not piece.endswith(b"\n") and len(piece) >= PIECE_BYTES:
            end = _end_of_characters(piece, encoding)
            piece, held = piece[:end], piece[end:]
        yield piece
    if held:
        yield held


def _end_of_characters(piece: bytes, encoding: str) -> int:
    """Return where a piece of a line can be cut without cutting a character."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(piece)
    except UnicodeDecodeError:
        return cut.end() if (cut := _SAFE_CUT.search(piece)) else len(piece)
    return len(piece) - len(decoder.getstate()[0])


def _wide_lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    held = ""
    while block := stream.read(1 << 16):
        held = (held + decoder.decode(block)).removeprefix("\ufeff")
        *lines, held = held.split("\n")
        yield from (f"{line}\n" for line in lines)
        if len(held) > PIECE_BYTES:
            yield held
            held = ""
    yield held + decoder.decode(b"", final=True).rstrip("\ufffd")  # half a character ends a file that was cut


def _decoded(line: bytes, encoding: str) -> str:
    if line.isascii():
        return line.decode("ascii")
    if encoding not in _OWN:  # declared by the file
        return line.decode(encoding, "replace")
    if encoding in _DOUBLE_BYTE and not (_is_utf8(line) and _HAN_BYTES.search(line)):
        return _double_byte(line, encoding)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return _repaired(line, encoding)


def _repaired(line: bytes, encoding: str) -> str:
    """Decode a line that is not valid UTF-8."""
    if _is_damaged_utf8(line):
        return _UNDECODED_RUN.sub(_byte_of_windows, line.decode("utf-8", "surrogateescape"))
    own = _looks_like(line) or encoding
    if own in _DOUBLE_BYTE:
        return _double_byte(line, own)
    return _western(line) or line.decode("utf-8", "surrogateescape")


def _double_byte(line: bytes, encoding: str) -> str:
    western = _western(line) if _single_bytes(line) else None
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        return western or resynchronised(line, encoding)
    if western and _common_share(text) < _COMMON_SHARE:
        return western
    return resynchronised(line, encoding) if _may_be_shifted(text) else text


def _may_be_shifted(text: str) -> bool:
    """Return whether a stretch of characters is so rare that a byte before it may be lost."""
    for run in _OTHER_RUN.findall(text):
        rare = [not is_common(char) for char in run]
        if any(sum(rare[i : i + _FEW]) >= _MANY_RARE for i in range(max(1, len(rare) - _FEW + 1))):
            return True
    return False


def _is_utf8(data: bytes) -> bool:
    try:
        codecs.utf_8_decode(data, "strict", False)  # half a character at the end of a sample is no error
    except UnicodeDecodeError:
        return False
    return True


def _is_damaged_utf8(data: bytes) -> bool:
    """Return whether most of what is not ASCII is valid UTF-8."""
    text = data.decode("utf-8", "surrogateescape")
    bad = len(_UNDECODED.findall(text))
    good = sum(char >= "\x80" for char in text) - bad
    return good > bad


def _byte_of_windows(match: re.Match[str]) -> str:
    """Return one stray byte as its character of Windows-1252; more are half characters, which are lost."""
    raw = match[0].encode("ascii", "surrogateescape")
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if len(raw) == 1 and (before + after).isascii():
        return raw.decode("cp1252", "replace")
    return "\ufffd" if after else ""  # a file that was cut ends in half a character


def _looks_like(data: bytes) -> str | None:
    """Return the encoding in which bytes that are not UTF-8 look most like Chinese or English."""
    share, encoding = max(
        (_common_share(resynchronised(line, name) if _fails(line, name) else line.decode(name)), name)
        for name in reversed(_DOUBLE_BYTE)
        for line in [data[:_GUESS_BYTES]]
    )
    western = _western(data)
    if western is not None and (share < _INTACT_SHARE or _single_bytes(data)):
        return "cp1252"
    return encoding if share >= _COMMON_SHARE else None


def _fails(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _single_bytes(data: bytes) -> bool:
    """Return whether most runs of bytes that are not ASCII are one byte long, which no Chinese text has."""
    runs = _HIGH_RUN.findall(data)
    return sum(len(run) == 1 for run in runs) > len(runs) / 2


def _western(data: bytes) -> str | None:
    """Return the text if it looks like English with some letters of other languages, else None."""
    runs = _HIGH_RUN.findall(data)
    high = sum(map(len, runs))
    if high > _LATIN_SHARE * (high + len(_LETTER.findall(data))):
        return None
    if sum(len(run) > 2 for run in runs) > _LONG_RUNS_SHARE * len(runs):
        return None
    text = data.decode("cp1252", "surrogateescape")
    return None if is_undecodable(text) else text


def _common_share(text: str) -> float:
    """Return the share of common characters among those that are not ASCII."""
    other = [char for char in text if char >= "\x80"]
    return sum(map(is_common, other)) / len(other) if other else 0.0


def _utf16(data: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark, or None if the bytes are something else."""
    data = data[: len(data) & ~1][:SAMPLE_BYTES]
    if len(data) < _FEW or (b"\x00" not in data and _is_utf8(data)):
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = data.decode(encoding, "replace")
        likely = sum(" " <= char <= "~" or char in "\r\n\t" or is_common(char) for char in text)
        if likely >= _INTACT_SHARE * len(text):
            return encoding
    return None
