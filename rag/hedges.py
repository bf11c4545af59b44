"""Hedges: "close to 1.0" must not become "1.0".

A small model drops the word that a number is hedged by, most often where it says in one language what it has read in the
other; no likeness tells. Of 435 sentences shown to development questions, PubMedQA, RGB and the seeds' own 2 did. Of 56,521
sentences of bilingual_arxiv held against their translations 11 would be given one, where a translator dropped it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.language import detect_language
from rag.numbers import find_numbers
from rag.schema import Language

# Words right before a number, and what says the same in either language. Those with another sense ("over 5 runs", "about 3
# classes", 近3年) are left out.
_HEDGES: tuple[tuple[str, dict[Language, str]], ...] = (
    (r"(?:\b(?:close to|nearly|almost)|接近)", {"en": "nearly", "zh": "接近"}),
    (
        r"(?:\b(?:approximately|roughly)|(?<![A-Za-z0-9%％])~|≈|(?<![节制契合特预邀])约)",
        {"en": "about", "zh": "约"},
    ),
    (r"(?:\bup to|\bas (?:much|many|high) as|高达|多达|最多)", {"en": "up to", "zh": "高达"}),
    (r"(?:(?<!\bno )(?<!\bnot )\bmore than|(?<![不未没有])超过)", {"en": "more than", "zh": "超过"}),
    (r"(?:(?<!\bno )(?<!\bnot )\b(?:less|fewer) than|不到|不足)", {"en": "less than", "zh": "不到"}),
    (r"(?:\bat least|至少|不少于)", {"en": "at least", "zh": "至少"}),
    (r"(?:\bat most|至多|不超过)", {"en": "at most", "zh": "至多"}),
)
# What stands before a number that a hedge may come between; not the beginning of a sentence, nor "a", as in "a 5 % gain".
_TAKES_HEDGE = re.compile(r"(?<!达)(?<!\ba )(?<!\ban )(?<=.)$", re.IGNORECASE | re.DOTALL)
_CURRENCY = re.compile(r"[$€£¥]$")
_BEFORE = [(re.compile(rf"{pattern}\s*[$€£¥]?$", re.IGNORECASE), words) for pattern, words in _HEDGES]
# A sentence with any of these says something of its own about how near its number is.
_HEDGED = re.compile(
    r"\b(?:close|near|nearly|almost|about|around|some|approximately|roughly|over|above|under|below|beyond|up to|more|less|fewer"
    r"|least|most|as (?:much|many|high|low) as|exceed\w*|surpass\w*|outperform\w*|beat\w*|better|higher|lower|within)\b"
    r"|[~≈<>≤≥+]|近|约|左右|超|余|[高多长可]达|几乎|小于|[最至][多少高低]|不[到足超少多]|[多少低高优]于|以[上下内]|之内",
    re.IGNORECASE,
)


def with_hedges(sentence: str, quotes: Sequence[str]) -> str:
    """Return a sentence with the hedge before its number that its quotations have before it wherever they state it.

    A sentence of several numbers, or with a hedge, is returned as it is.
    """
    numbers = [number for number in find_numbers(sentence) if not number.identifier]
    if len(numbers) != 1 or _HEDGED.search(sentence):
        return sentence
    (number,) = numbers
    if not sentence[number.start].isdigit() or not _TAKES_HEDGE.search(sentence[: number.start]):
        return sentence
    before = [
        quote[: found.start]
        for quote in quotes
        for found in find_numbers(quote)
        if found.value == number.value
    ]
    for pattern, words in _BEFORE:
        if before and all(pattern.search(text) for text in before):
            language = detect_language(sentence)
            head = _CURRENCY.sub("", sentence[: number.start])
            return f"{head}{words[language]}{' ' * (language == 'en')}{sentence[len(head) :]}"
    return sentence
