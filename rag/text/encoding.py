"""Turn the bytes of a corpus file into text, without guessing: UTF-8, UTF-16 with a mark, GB18030."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from pathlib import Path

from rag.text.language import is_han

# How many Han characters a GB18030 guess needs, and how many of them must be among the 3,755 common ones of
# GB 2312 level 1. Of GB18030-encoded CSL abstracts the least common has .93; UTF-8 Chinese or Latin-1 French
# misread as GB18030 stays under .7 (tests/indexing/test_readers.py).
_GB_MIN_HAN = 4
_GB_COMMON_SHARE = 0.85
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# Text holds next to no control bytes; compressed and compiled files hold about one in ten.
_BINARY_SHARE = 0.02
_UNDECODED = re.compile("[\udc80-\udcff]")


def read_bytes(path: Path) -> tuple[bytes, str | None]:
    """Return the bytes of a file, unzipped if named .gz, and why reading stopped early if it did."""
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

    A byte that is not text in the file's encoding becomes a lone surrogate; ask `is_undecodable` of the part
    it stands in, so that one bad record does not cost the others.
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
    """Return whether a part of `decode`'s result holds bytes that are not text in the file's encoding."""
    return _UNDECODED.search(text) is not None


def _decode_gb18030(data: bytes) -> str | None:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    han = [char for char in text if is_han(char)]
    common = sum(_is_common(char) for char in han)
    return text if len(han) >= _GB_MIN_HAN and common >= _GB_COMMON_SHARE * len(han) else None


def _is_common(char: str) -> bool:
    try:
        return 0xB0 <= char.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False
