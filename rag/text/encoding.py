"""Decode the bytes of a corpus file: UTF-8, UTF-16 with a byte order mark, or GB18030."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from pathlib import Path

from rag.text.language import is_han

# Evidence for GB18030: Han characters, and the share of them in GB 2312 level 1, the common characters.
# Higher accepts fewer files as GB18030; see docs/decisions.md#gb18030
_GB_MIN_HAN = 4
_GB_COMMON_SHARE = 0.85
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_BINARY_SHARE = 0.02  # control bytes / all bytes; higher accepts more files as text
_UNDECODED = re.compile("[\udc80-\udcff]")


def read_bytes(path: Path) -> tuple[bytes, str | None]:
    """Return the bytes of a file, unzipped if named .gz, and the error that stopped reading or None."""
    read = bytearray()
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            while block := stream.read(1 << 20):
                read += block
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return bytes(read), f"cannot be read to its end: {reason}"
    return bytes(read), None


def decode(data: bytes) -> str | None:
    """Return the text of `data`, or None for a binary file.

    An invalid byte becomes a lone surrogate. `is_undecodable` finds it, so only its record is lost.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            errors = "surrogateescape" if encoding == "utf-8" else "replace"
            return data[len(mark) :].decode(encoding, errors)
    if b"\x00" in data or len(_CONTROL_BYTES.findall(data)) > _BINARY_SHARE * len(data):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_gb18030(data) or data.decode("utf-8", "surrogateescape")


def is_undecodable(text: str) -> bool:
    """Return whether text from `decode` contains invalid bytes."""
    return _UNDECODED.search(text) is not None


def _decode_gb18030(data: bytes) -> str | None:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    han = [char for char in text if is_han(char)]
    common = sum(0xB0 <= char.encode("gb2312", "replace")[0] <= 0xD7 for char in han)
    return text if len(han) >= _GB_MIN_HAN and common >= _GB_COMMON_SHARE * len(han) else None
