"""Text analysis for the lexical index: stemmed words, identifiers and Chinese bigrams."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
# Runs of Han characters, or words of any other script with the joints that identifiers use:
# VGNetG-1.0MP, CIFAR10-DVS, Top-1, t5.1.1, C++.
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+(?:[-._/+][^\W_{_HAN}]+)*\+*")
_PART = re.compile(r"[-._/+]+")
_ENGLISH_STOP = frozenset(
    "a an and are as at be been but by can did do does for from had has have how in into is it its of on or "
    "that the their them then there these they this to was we were what when where which while who why will "
    "with would you your our".split()
)


@cache
def _stem() -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
    return stem


def analyze(text: str) -> list[str]:
    """Return the index terms of `text`, in order, repeats kept.

    English words lose stop words and are stemmed (Snowball English); an identifier gives itself and its
    parts; Chinese gives overlapping bigrams, a lone character itself.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [term for match in _RUN.finditer(folded) for term in _terms(match.group())]


def _terms(run: str) -> Iterator[str]:
    if re.match(rf"[{_HAN}]", run):
        yield from (run[i : i + 2] for i in range(len(run) - 1)) if len(run) > 1 else (run,)
        return
    parts = [part for part in _PART.split(run) if part]
    if len(parts) > 1 or run.endswith("+"):
        yield run
    for part in parts:
        if part not in _ENGLISH_STOP:
            yield _stem()(part)
