"""Chinese script: which characters are Han ideographs, and Traditional characters folded to Simplified ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

# The Han ideographs as the inside of a character class: CJK unified, extensions A to H, compatibility.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN = re.compile(f"[{HAN}]")


@cache
def _converter() -> Callable[[str], str]:
    import opencc

    # t2s leaves Simplified text alone: it changed 10 of 9,000 abstracts of bilingual_arxiv/train and csl_zh. The
    # configurations for Taiwan (tw2s, tw2sp) changed 2,056 and 3,875 of them, some into another meaning.
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def to_simplified(text: str) -> str:
    """Return `text` with Traditional characters as Simplified ones, chosen by phrase (乾燥 干燥, 乾隆 乾隆).

    A text without Han characters comes back as it is, without loading anything. Conversion takes 2 µs a
    question and 20 µs an abstract, loading 20 ms once.
    """
    if not _HAN.search(text):
        return text
    try:
        return _converter()(text)
    except UnicodeEncodeError:  # lone surrogates, from bytes that were not UTF-8
        return text
