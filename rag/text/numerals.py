"""Parse numbers written as words: "three hundred and twenty-one", 三百二十一, 三点二, 两万."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

Spelled = tuple[int, int, Decimal]  # start, end, value

_UNIT_WORDS = "zero one two three four five six seven eight nine"
_TEEN_WORDS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: i for i, word in enumerate(_UNIT_WORDS.split())}
_TEENS = {word: i for i, word in enumerate(_TEEN_WORDS.split(), 10)}
_TENS = {word: 10 * i for i, word in enumerate(_TENS_WORDS.split(), 2)}
_WORDS = _UNITS | _TEENS | _TENS | {"a": 1, "an": 1}
_LOWER = {code: code + 32 for code in range(65, 91)}  # `str.lower` may change the length
_SCALES = {"trillion": 10**12, "billion": 10**9, "million": 10**6, "thousand": 10**3}

_UNIT = "(?:one|two|three|four|five|six|seven|eight|nine)"
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[\s-]{_UNIT})?|{'|'.join(_TEENS)}|{_UNIT})\b"
_AND = r"[\s-](?:and\s)?"
_BELOW_1000 = rf"(?:(?:{_BELOW_100}|an?)[\s-]hundred\b(?:{_AND}{_BELOW_100}(?![\s-]hundred))?|{_BELOW_100})"
# Each scale is optional and the order falls: "two thousand three hundred" is one number, "two and three" two.
_FALLING = "".join(rf"(?:(?:{_BELOW_1000}|an?)[\s-]{scale}\b(?:{_AND})?)?" for scale in _SCALES)
_ENGLISH = re.compile(rf"zero\b|{_FALLING}(?:{_BELOW_1000})?")
_DANGLING = re.compile(r"[\s-]*(?:\band)?[\s-]*$")
# Grouped by first letter, because one flat alternation is slow on text without number words.
_STEMS = {c: "|".join(w[1:] for w in _WORDS if w[0] == c) for c in "tfsne"}
_FIRST_WORD = re.compile(
    rf"\b(?:{'|'.join(f'{letter}(?:{rest})' for letter, rest in _STEMS.items())}|zero|one)\b"
    rf"|\ban?(?=\s(?:hundred|{'|'.join(_SCALES)})\b)"
)
_WORD = re.compile(r"[a-z]+")

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_BIG = {"亿": 10**8, "億": 10**8, "万": 10**4, "萬": 10**4}
_NUMERAL = re.compile(
    "[〇零一二三四五六七八九两兩十百千万萬亿億]+(?:点[〇零一二三四五六七八九]+[万萬亿億]?)?"
)
# Before a place or a scale these make a vague number: 数百万 means "millions".
_VAGUE_BEFORE = frozenset("数几好上成")
_VAGUE = frozenset(_PLACES | _BIG)
_DIGIT = "([一二三四五六七八九两兩])"
_SECTION = re.compile(f"(?:{_DIGIT}千)?零?(?:{_DIGIT}百)?零?(?:([一二三四五六七八九])?十)?零?{_DIGIT}?")
# A single numeral is a count only before a classifier or unit (三种), not in a word (四川).
_CLASSIFIER = re.compile(
    "[个大種种类類項项倍次名位年月日天组例层台张条篇份阶步家人只届套段批对双轮幅级岁周秒米克吨元款座国省折路]"
    "|小时|分钟|毫秒|千[米克]|公里|美元|部分|方面|大类|项"
)


def english_numbers(text: str) -> Iterator[Spelled]:
    """Yield every English number in words, except "one" alone."""
    text = text.translate(_LOWER)
    end = 0
    for first in _FIRST_WORD.finditer(text):
        if first.start() < end or not (match := _ENGLISH.match(text, first.start())):
            continue
        spelled = _DANGLING.sub("", match[0])
        end = match.start() + len(spelled)
        if spelled and spelled != "one":
            yield match.start(), end, Decimal(_english_value(_WORD.findall(spelled)))


def chinese_numbers(text: str) -> Iterator[Spelled]:
    """Yield every Chinese numeral that counts something; 一 alone does not."""
    if text.isascii():
        return
    for match in _NUMERAL.finditer(text):
        start, end = match.span()
        counted = len(match[0]) > 1 or (match[0] != "一" and _CLASSIFIER.match(text, end))
        vague = text[start - 1 : start] in _VAGUE_BEFORE and match[0][0] in _VAGUE
        if not counted or vague or text.startswith("分之", end):
            continue
        if (value := _chinese_value(match[0])) is not None:
            yield start, end, value


def _english_value(words: list[str]) -> int:
    total = group = 0
    for word in words:
        if word in _SCALES:
            total, group = total + group * _SCALES[word], 0
        elif word == "hundred":
            group *= 100
        else:
            group += _WORDS.get(word, 0)
    return total + group


def _chinese_value(numeral: str) -> Decimal | None:
    whole, _, fraction = numeral.partition("点")
    if (value := _chinese_integer(whole)) is None:
        return None
    scale = _BIG.get(fraction[-1:], 1)
    tail = "".join(str(_DIGITS[c]) for c in fraction.rstrip("万萬亿億"))
    return Decimal(f"{value}.{tail}" if tail else value) * scale


def _chinese_integer(numeral: str) -> int | None:
    by_digit = len(numeral) == 4 or (len(numeral) >= 3 and set("〇零") & set(numeral))  # a year or a code
    if by_digit and all(c in _DIGITS for c in numeral):
        return int("".join(str(_DIGITS[c]) for c in numeral))
    if len(numeral) == 1 and numeral in _DIGITS:
        return _DIGITS[numeral]
    for mark, scale in _BIG.items():
        head, found, rest = numeral.rpartition(mark)
        if found:
            high = _PLACES.get(head) or _chinese_integer(head) if head else None
            low = _chinese_integer(rest) if rest else 0
            return None if high is None or low is None or low >= scale else high * scale + low
    return _section(numeral)


def _section(numeral: str) -> int | None:
    match = _SECTION.fullmatch(numeral)
    if not match or not any(c in _PLACES for c in numeral):
        return None if len(numeral.lstrip("零")) != 1 else _DIGITS.get(numeral[-1])
    thousand, hundred, ten, one = (_DIGITS.get(digit, 0) for digit in match.groups())
    return 1000 * thousand + 100 * hundred + 10 * (ten or "十" in numeral) + one
