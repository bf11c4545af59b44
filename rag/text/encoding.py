"""Decode the bytes of a corpus file, line by line, into text.

`rag.text.encoding_guess` recognises the encoding; a line that is not valid in it is read as what it
looks like by itself. See docs/decisions.md#encodings
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
from rag.text.encoding_guess import (
    COMMON_SHARE,
    DOUBLE_BYTE,
    common_share,
    encoding_of,
    has_single_bytes,
    is_damaged_utf8,
    is_utf8,
    looks_like,
    western_text,
)

#: Bytes from the beginning of a file that decide its encoding and its format.
SAMPLE_BYTES = 1 << 18
#: Bytes of a line that are decoded at once; a longer line comes in pieces.
PIECE_BYTES = 1 << 20

_OWN = frozenset({*DOUBLE_BYTE, "utf-8", "cp1252"})
_FEW = 8  # characters in a row that are looked at together
_MANY_RARE = 3  # rare ones among them; as many may tell of a lost byte
_OTHER_RUN = re.compile("[^\x00-\x7f]+")
_UNDECODED = re.compile("[\udc80-\udcff]")
_UNDECODED_RUN = re.compile("[\udc80-\udcff]+")
_HAN_BYTES = re.compile(rb"[\xe2-\xe9\xef][\x80-\xbf]{2}")  # a CJK character or punctuation mark in UTF-8
# Bytes below 0x30 are never half a character, so a long line may be cut behind them.
_SAFE_CUT = re.compile(rb"[\x09-\x2f](?=[^\x09-\x2f]*\Z)")


def read_bytes(path: Path) -> tuple[bytes, str | None]:
    """Return the bytes of a file, unzipped if gzipped or named .gz, and what stopped reading or None."""
    read = bytearray()
    try:
        with _unzipped(path) as stream:
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


def _unzipped(path: Path) -> BinaryIO:
    return io.BufferedReader(gzip.open(path)) if path.suffix.lower() == ".gz" else open_bytes(path)


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
    if encoding in DOUBLE_BYTE and not (is_utf8(line) and _HAN_BYTES.search(line)):
        return _double_byte(line, encoding)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return _repaired(line, encoding)


def _repaired(line: bytes, encoding: str) -> str:
    """Decode a line that is not valid UTF-8."""
    if is_damaged_utf8(line):
        return _UNDECODED_RUN.sub(_byte_of_windows, line.decode("utf-8", "surrogateescape"))
    own = looks_like(line) or encoding
    if own in DOUBLE_BYTE:
        return _double_byte(line, own)
    return western_text(line) or line.decode("utf-8", "surrogateescape")


def _double_byte(line: bytes, encoding: str) -> str:
    western = western_text(line) if has_single_bytes(line) else None
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        return western or resynchronised(line, encoding)
    if western and common_share(text) < COMMON_SHARE:
        return western
    return resynchronised(line, encoding) if _may_be_shifted(text) else text


def _may_be_shifted(text: str) -> bool:
    """Return whether a stretch of characters is so rare that a byte before it may be lost."""
    for run in _OTHER_RUN.findall(text):
        rare = [not is_common(char) for char in run]
        if any(sum(rare[i : i + _FEW]) >= _MANY_RARE for i in range(max(1, len(rare) - _FEW + 1))):
            return True
    return False


def _byte_of_windows(match: re.Match[str]) -> str:
    """Return one stray byte as its character of Windows-1252; more are half characters, which are lost."""
    raw = match[0].encode("ascii", "surrogateescape")
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if len(raw) == 1 and (before + after).isascii():
        return raw.decode("cp1252", "replace")
    return "\ufffd" if after else ""  # a file that was cut ends in half a character
