"""Turn text into index terms: stemmed words, identifiers and Chinese bigrams.

Bigrams instead of dictionary words: tuned by benchmarks/lexical.py; see docs/decisions.md#chinese-bigrams
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

from rag.text.language import HAN, to_simplified

# Runs of Han characters, or words of any other script with the joints that identifiers use:
# VGNetG-1.0MP, CIFAR10-DVS, Top-1, t5.1.1, C++.
_RUN = re.compile(rf"(?P<han>[{HAN}]+)|[^\W_{HAN}]+(?:[-._/+][^\W_{HAN}]+)*\+*")
_PART = re.compile(r"[-._/+]+")
_CACHED_WORDS = 1 << 16  # entries; more uses more memory and stems fewer words twice
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
    """Return the terms of `text` in order, with repeats.

    English: no stop words, Snowball stems; an identifier yields itself and its parts. Chinese: Traditional
    becomes Simplified, then overlapping bigrams; a character that is alone stays itself.
    """
    return _terms(_runs(text))


def analyze_document(text: str) -> list[str]:
    """Return the terms to index `text` under: those of `analyze`, then every Chinese character.

    The characters serve queries that contain a single Chinese character (BERT的F1).
    """
    runs = _runs(text)
    return _terms(runs) + [char for run in runs if run.lastgroup and len(run[0]) > 1 for char in run[0]]


def _runs(text: str) -> list[re.Match[str]]:
    return list(_RUN.finditer(to_simplified(unicodedata.normalize("NFKC", text).casefold())))


def _terms(runs: list[re.Match[str]]) -> list[str]:
    return [term for run in runs for term in (_bigrams(run[0]) if run.lastgroup else _words(run[0]))]


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


@lru_cache(maxsize=_CACHED_WORDS)
def _words(run: str) -> tuple[str, ...]:
    parts = [part for part in _PART.split(run) if part]
    whole = (run,) if len(parts) > 1 or run.endswith("+") else ()
    return (*whole, *(_stem()(part) for part in parts if part not in _ENGLISH_STOP))
