"""Find the years that a question names: "since 2019", "between 2015 and 2018", 2018年以来, 近三年, 去年."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.text.numbers import number_values

# A year of publication in digits, or in Chinese ones.
_Y = r"(?:1[5-9]\d\d|20\d\d)(?![\d.%]\d|\d|%)"
_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_SPELLED = re.compile(r"[一二][〇零○一二三四五六七八九]{3}(?=年)")
_TO = r"\s*(?:to|until|till|through|thru|[-–—~～到至])\s*"
_N = r"(?P<n>\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|[两二三四五六七八九十]+|几|few|couple of)"
_FEW = 3  # years; what "the last few years" and 近几年 mean
FIRST_YEAR, LAST_YEAR = 1000, 9999  # open ends of a span

Span = tuple[int, int]
"""First and last year, both inclusive."""


@dataclass(frozen=True, slots=True)
class Years:
    """The years in `text[start:end]`."""

    start: int
    end: int
    spans: tuple[Span, ...]


def _pair(match: re.Match[str], this: int) -> Span:
    first, last = sorted((int(match["a"]), int(match["b"])))
    return first, last


def _since(match: re.Match[str], this: int) -> Span:
    return int(match["a"]), LAST_YEAR


def _after(match: re.Match[str], this: int) -> Span:
    return int(match["a"]) + 1, LAST_YEAR


def _before(match: re.Match[str], this: int) -> Span:
    return FIRST_YEAR, int(match["a"]) - 1


def _until(match: re.Match[str], this: int) -> Span:
    return FIRST_YEAR, int(match["a"])


def _in(match: re.Match[str], this: int) -> Span:
    return int(match["a"]), int(match["a"])


def _recent(match: re.Match[str], this: int) -> Span:
    written = f"{match['n']} 年" if match["n"].isascii() else f"{match['n']}年"
    return this - int(max(number_values(written), default=_FEW)) + 1, this


def _decade(match: re.Match[str], this: int) -> Span:
    year = int(match["d"])
    first = year if year > FIRST_YEAR else (2000 if year <= this % 100 // 10 * 10 else 1900) + year
    return first, first + 9


# Each pattern with what it means; of those that begin first, the first one is taken. `Y` stands for a year.
_PATTERNS: Sequence[tuple[str, Callable[[re.Match[str], int], Span]]] = (
    (r"在?\s*(?P<a>Y)\s*年?\s*[和与到至]\s*(?P<b>Y)\s*年?之?间", _pair),
    (r"between\s+(?:the )?(?:years )?(?P<a>Y)\s+and\s+(?P<b>Y)", _pair),
    (r"(?:from|in|自|从|在)?\s*(?:the )?(?:years )?(?P<a>Y)\s*年?TO(?P<b>Y)\s*年?(?:期间|间|以?内)?", _pair),
    (r"(?:no earlier than|not before|since|starting (?:in|from))\s+(?:the year )?(?P<a>Y)", _since),
    (r"(?:from|in)?\s*(?P<a>Y)\s*(?:onwards?|(?:or|and) (?:later|newer|after|on)|\+)", _since),
    (r"from\s+(?P<a>Y)\s+on\b", _since),
    (r"(?:after|later than|newer than|more recent than)\s+(?:the year )?(?P<a>Y)", _after),
    (r"(?:before|earlier than|older than|prior to)\s+(?:the year )?(?P<a>Y)", _before),
    (r"(?:up to|until|till|no later than|through)\s+(?P<a>Y)", _until),
    (r"(?:in\s+)?(?P<a>Y)\s+or (?:earlier|before|older)", _until),
    (r"[自从]?(?P<a>Y)年?(?:以来|起|开始|至今|到现在|到今天|及以后|及之后)(?:至今)?", _since),
    (r"[自从](?P<a>Y)年(?:以后|之后|后)", _since),
    (r"在?(?P<a>Y)年?(?:以后|之后|后)", _after),
    (r"在?(?P<a>Y)年?(?:及以前|及之前|为止)", _until),
    (r"在?(?P<a>Y)年?(?:以前|之前|前)", _before),
    (r"晚于(?P<a>Y)年?", _after),
    (r"早于(?P<a>Y)年?", _before),
    (r"(?:in|from|of|during)?\s*the (?P<d>(?:19|20)?\d0)['’]?s\b", _decade),
    (r"(?:20世纪)?(?:在|上世纪)?(?P<d>(?:19|20)?\d0)年代", _decade),
    (r"(?:in|over|within|during|from)?\s*the (?:last|past|previous) N years", _recent),
    (r"在?(?:最近|近|过去)的?N年(?:来|间|内|里)?", _recent),
    (r"(?:in|over|from|during)?\s*the (?:last|past) decade", lambda match, this: (this - 9, this)),
    (r"(?:from |in )?this year\b|今年", lambda match, this: (this, this)),
    (r"(?:from |in )?last year\b|去年", lambda match, this: (this - 1, this - 1)),
    (r"前年", lambda match, this: (this - 2, this - 2)),
    (r"(?:(?:in|from|of|during|for|dated|在|于)\s*)?(?:the year )?(?P<a>Y)(?:\s*年[度里内间]?(?!代))?", _in),
)  # fmt: skip
_COMPILED = [
    (
        re.compile(
            r"(?<![A-Za-z0-9.-])" + pattern.replace("Y", _Y).replace("TO", _TO).replace("N", _N),
            re.IGNORECASE,
        ),
        meaning,
    )
    for pattern, meaning in _PATTERNS
]
_JOIN = re.compile(r"\s*(?:,\s*and|,\s*or|,|and|or|&|和|、|或|与|及)\s*", re.IGNORECASE)


def spelled_years(text: str) -> str:
    """Return `text` with years in Chinese digits (二〇二一年) written in digits; its length stays."""
    return _SPELLED.sub(lambda match: match[0].translate(_DIGITS), text)


def find_years(text: str, this_year: int) -> Years | None:
    """Return the first mention of years in `text`, and those that are joined to it by "and" or "or".

    Args:
        text: a question, as `spelled_years` returns it.
        this_year: what "last year" counts from.
    """
    found = _first(text, 0, this_year)
    if not found:
        return None
    start, end, span = found
    spans = [span]
    while (joint := _JOIN.match(text, end)) and (more := _first(text, joint.end(), this_year)):
        if more[0] != joint.end():
            break
        end = more[1]
        spans.append(more[2])
    return Years(start, end, tuple(spans))


def _first(text: str, position: int, this_year: int) -> tuple[int, int, Span] | None:
    best: tuple[int, int, Span] | None = None
    for pattern, meaning in _COMPILED:
        match = pattern.search(text, position)
        if match and (best is None or match.start() < best[0]):
            best = match.start(), match.end(), meaning(match, this_year)
    return best


def within(year: int | None, spans: Sequence[Span]) -> bool:
    """Return whether a year lies in one of the spans; every year does where there are none."""
    return not spans or (year is not None and any(first <= year <= last for first, last in spans))
