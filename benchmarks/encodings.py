"""Measure how often an encoding is recognised, and what a damaged byte costs.

    python -m benchmarks.encodings [--texts 300] [--library] [--wrong]

Abstracts of csl_zh, arxiv_50k and pubmedqa are joined to texts of several lengths and encoded here.
With --library, charset-normalizer decodes the same bytes for comparison.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Sequence

import opencc

from benchmarks.common import parser, records
from rag.evaluation.metrics import wilson_interval
from rag.text.encoding import decode

SEED = 11
LENGTHS = (100, 300, 1000, 5000)  # characters; a text has one of these or less
KEPT = 0.97  # the share of a damaged text that must come out; one record of it would be less


def main() -> None:
    """Print the share of texts that come out as they were, by encoding."""
    command = parser(__doc__)
    command.add_argument("--texts", type=int, default=300, help="texts of each encoding")
    command.add_argument("--library", action="store_true", help="charset-normalizer too, which is slow")
    command.add_argument("--wrong", action="store_true", help="print what came out wrong")
    arguments = command.parse_args()
    chinese = [row["abstract"] for row in records("csl_zh/papers")]
    english = [" ".join(row["CONTEXTS"]) for row in records("pubmedqa/dev")]
    english += [row["abstract"] for row in records("arxiv_50k")]
    convert = opencc.OpenCC("s2tw").convert
    traditional = [convert(text) for text in chinese]
    for name, texts, encoding in (
        ("GB18030", chinese, "gb18030"),
        ("GBK, Traditional characters", traditional, "gbk"),
        ("Big5", traditional, "big5"),
        ("UTF-16 LE, Chinese", chinese, "utf-16-le"),
        ("UTF-16 BE, Chinese", traditional, "utf-16-be"),
        ("UTF-16 LE, English", english, "utf-16-le"),
        ("UTF-16 BE, English", english, "utf-16-be"),
        ("Windows-1252", english, "cp1252"),
        ("Latin-1", english, "latin-1"),
        ("UTF-8, Chinese", chinese, "utf-8"),
        ("UTF-8, English", english, "utf-8"),
    ):
        encoded = list(_encoded(texts, encoding, arguments.texts))
        _row(name, encoded, lambda text, data: decode(data) == text, arguments.wrong)
        if arguments.library:
            _row("  charset-normalizer", encoded, lambda text, data: _by_library(data) == text, False)
        if encoding in ("gb18030", "gbk", "big5", "utf-8"):
            for damage in (_replaced, _inserted, _lost, _cut):
                hurt = [(text, damage(data)) for text, data in encoded]
                _row(f"  a byte {damage.__name__[1:]}", hurt, _nearly, arguments.wrong)


def _encoded(texts: Sequence[str], encoding: str, count: int) -> list[tuple[str, bytes]]:
    chooser, found = random.Random(SEED), list[tuple[str, bytes]]()
    for _ in range(400 * count):
        length, text = chooser.choice(LENGTHS), ""
        while len(text) < length:
            text += unicodedata.normalize("NFC", chooser.choice(texts)) + "\n"
        data = (text := text[:length].strip()).encode(encoding, "ignore")
        if encoding in ("cp1252", "latin-1") and data.isascii():
            continue
        if data.decode(encoding) == text:
            found.append((text, data))
        if len(found) == count:
            break
    return found


def _place(data: bytes) -> int:
    return random.Random(len(data)).randrange(len(data))


def _replaced(data: bytes) -> bytes:
    place = _place(data)
    return data[:place] + b"\xf7" + data[place + 1 :]


def _inserted(data: bytes) -> bytes:
    place = _place(data)
    return data[:place] + b"\x9d" + data[place:]


def _lost(data: bytes) -> bytes:
    place = _place(data)
    return data[:place] + data[place + 1 :]


def _cut(data: bytes) -> bytes:
    return data[:-1]


def _nearly(text: str, data: bytes) -> bool:
    """Return whether what is decoded begins and ends as the text, with a few characters between."""
    found = decode(data) or ""
    begin = next((i for i, (a, b) in enumerate(zip(text, found, strict=False)) if a != b), len(text))
    end = next((i for i, (a, b) in enumerate(zip(text[::-1], found[::-1], strict=False)) if a != b), 0)
    return max(len(text), len(found)) - begin - end <= max(4, (1 - KEPT) * len(text))


def _by_library(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return None if best is None else str(best)


def _row(
    name: str, encoded: Sequence[tuple[str, bytes]], right: Callable[[str, bytes], bool], show: bool
) -> None:
    wrong = [pair for pair in encoded if not right(*pair)]
    hits = len(encoded) - len(wrong)
    low, high = wilson_interval(hits, len(encoded)) or (0.0, 1.0)
    print(
        f"{name:<32}{hits / max(1, len(encoded)):.3f} [{low:.3f}, {high:.3f}] of {len(encoded)}", flush=True
    )
    for text, data in wrong[:4] if show else []:
        print(f"      {len(text)} {text[:70]!r}\n      {(decode(data) or '')[:70]!r}")


if __name__ == "__main__":
    main()
