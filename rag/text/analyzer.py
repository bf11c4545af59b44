"""Text analysis for the lexical index: stemmed words, identifiers and Chinese bigrams.

Bigrams rather than words from a dictionary: R@1 of BM25 alone, title or headline to abstract, and what is
gained on it with the paired 95 % interval (`python -m benchmarks.lexical analysis`, jieba 0.42.1):

    |                    | csl_zh, half for choosing | csl_zh, other half    | bilingual_arxiv/train |
    |--------------------|---------------------------|-----------------------|-----------------------|
    | bigrams            | .962                      | .953                  | .954                  |
    | jieba, search mode | -.011 [-.021, -.001]      | -.005 [-.015, .005]   | +.003 [-.002, .009]   |
    | jieba, words       | -.009 [-.019, .001]       | -.007 [-.017, .003]   | +.007 [.002, .013]    |
    | both               | -.003 [-.009, .003]       | -.005 [-.010, -.001]  | +.003 [.000, .007]    |

The dictionary helps on machine-translated text and harms on native Chinese, about as much.
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
_CACHED_WORDS = 1 << 16  # an abstract's words are nearly all known by then; about 10 MB
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
    """Return the terms of `text`, in order, repeats kept.

    English words lose stop words and are stemmed (Snowball English); an identifier gives itself and its
    parts; Chinese, Traditional folded to Simplified, gives overlapping bigrams, a lone character itself.
    """
    return _terms(_runs(text))


def analyze_document(text: str) -> list[str]:
    """Return the terms to index `text` under: those of `analyze`, then every character of its Chinese.

    The characters let a question of one character, or one between two names (BERT的F1), be found and weighed
    by how common it is; they change no other ranking (same benchmark, R@1: .000 and -.001 on csl_zh,
    -.001 on bilingual_arxiv/train, all intervals holding 0).
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
