"""Find numbers by value in English and Chinese text: 12,000 = 1.2万 = twelve thousand = 1.2e4."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rag.schema import Language
from rag.text.numerals import chinese_numbers, english_numbers

# Plain forms of full-width characters, minus sign, hyphens, thin spaces, subscripts. One character replaces
# one, so offsets stay valid. Superscripts stay: 10⁶ is an exponent.
_SAME_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x2080 + i: 0x30 + i for i in range(10)}
_SAME_WIDTH |= {0x2212: 0x2D, 0x2010: 0x2D, 0x2011: 0x2D, 0x2009: 0xA0, 0x202F: 0xA0, 0x2007: 0xA0}
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_MAX_EXPONENT = 400  # power of ten; anything larger is a name or an attack, not a quantity

_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,3}(?:[ \xa0'][0-9]{3})+(?![0-9])"
_CORE = re.compile(rf"(?=[0-9.])(?:(?:{_GROUPED}|[0-9]+)(?:[.·][0-9]+)?|(?<![\w.)\]}}])\.[0-9]+)")
_RAISED = r"\^\s?\{?\s?(?P<a>[+-]?[0-9]{1,4})\s?\}?|(?P<b>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4})|\((?P<c>[+-]?[0-9]{1,2})\)"
_E = re.compile(r"[eE](?P<a>[+-]?[0-9]{1,9})(?![\w])")
_TIMES_TEN = re.compile(
    rf"\s?(?:×|[xX*·]|\\times|\\cdot)\s?10(?:{_RAISED}|(?P<d>[+-][0-9]{{1,2}})(?![0-9.]))"
)
_TEN_POWER = re.compile(_RAISED)
_ENGLISH_SCALE = re.compile(
    r"[\s-]?((?:hundred[\s-])?(?:hundred|thousand|million|billion|trillion))(?![a-z])", re.IGNORECASE
)
_CHINESE_SCALE = re.compile(
    r"\s?([十百千]?[万萬][亿億]?|[十百千]?[亿億]|百(?!分)|千(?![克米瓦卡赫兆焦伏帕字比]))"
)
_SUFFIX_SCALE = re.compile(r"(k|K|M|B|bn|T)(?![A-Za-z0-9])")
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SCALES |= {"k": 3, "K": 3, "M": 6, "B": 9, "bn": 9, "T": 12, "十": 1, "百": 2, "千": 3}
_SCALES |= {"万": 4, "萬": 4, "亿": 8, "億": 8}
_HAN_SCALE = re.compile("[万萬亿億]")
_NUMERALS = "0-9零一二三四五六七八九十百千万萬亿億两"
_NUMBER_BEFORE = re.compile(
    rf"[{_NUMERALS}]\s?(?:[-–—~～〜至到和或、,，]|to|and|or|, and|, or)?\s?$|百分之$"
    r"|(?:two|three|five|ten) (?:to|or|and) $",
    re.IGNORECASE,
)
_NUMBER_AFTER = re.compile(
    rf"\s?[{_NUMERALS}]|\s?[-–—~～至到]\s?[{_NUMERALS}]|\s[A-Z]|\s?[a-z]*illion|\s?thousand|[多余]"
)
_LATIN_SCALE = re.compile("thousand|million|billion|trillion", re.IGNORECASE)
_PERCENT = re.compile(r"\s?(?:\\?%|percent(?:age points?)?\b|per cent\b|个百分点|百分点)", re.IGNORECASE)
_SIGN_BEFORE = re.compile(r"(?:^|[^A-Za-z0-9)\]}%._/+-])[+-]$")
_LETTER = r"[A-Za-z_À-ÖØ-öø-ɏͰ-Ͽ]"
_NAMED_BEFORE = re.compile(rf"{_LETTER}[-‐‑/_.]?$|[_^]\{{?$|[0-9]\.$|第\s?$")
# Text before a number that is not part of a name: a TeX command (\pm35), or a unit and a slash (9 kg/640 m2).
_PARTED_BEFORE = re.compile(r"\\[A-Za-z]{2,}$|[0-9]\s?[A-Za-zμµ]{1,3}/$")
_PARTED_CHARS = 12  # characters to look back for it
_MULTIPLIED = re.compile(r"(?:^|[0-9\s])[xX]$")
_NAMED_AFTER = re.compile(
    r"-?[Dd](?![A-Za-z])|(?:st|nd|rd|th)(?![A-Za-z])"
    rf"|(?![xX][0-9]|[cdhkm]?m[23](?![0-9])){_LETTER}+[0-9]|\.[0-9]|[维維]",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.|doi:|arxiv:|\b10\.[0-9]{4,9}/)[^\s，。；、）]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """One number in a text: `text[start:end]` spells `value`.

    `unit` is "%" for percentages and percentage points, else "". The value of "3.2%" is 3.2, because texts
    often drop the sign. `identifier` marks a number in a name (GPT3), link, DOI or rank (2nd, 第三).
    """

    value: Decimal
    unit: str
    start: int
    end: int
    identifier: bool = False


def find_numbers(text: str) -> tuple[Number, ...]:
    """Return every number of `text` in reading order.

    Reads digits with separators, signs, percent, scientific notation and scales (4.7×10⁻⁴, 百万, 3k), English
    number words and Chinese numerals. A range is two numbers. Skips what is rarely a count: "one" alone, a
    single numeral without a classifier (四川), vague 数百 and "millions", and fractions (三分之一).
    """
    plain = text if text.isascii() else text.translate(_SAME_WIDTH)
    digits = list(_digits(plain))
    taken = {position for number in digits for position in range(number.start, number.end)}
    spelled = [n for n in _spelled(plain) if n.start not in taken and n.end - 1 not in taken]
    return tuple(sorted([*digits, *spelled], key=lambda number: number.start))


def number_values(text: str, *, identifiers: bool = False) -> Counter[Decimal]:
    """Count the values in `text`; numbers in names count only with `identifiers`."""
    return Counter(n.value for n in find_numbers(text) if identifiers or not n.identifier)


def localise_numbers(text: str, language: Language) -> str:
    """Return `text` with numbers in the scale of the other language rewritten for `language`.

    1100万 becomes 11,000,000, because a small model often makes mistakes when it converts scales. A number
    next to another number, a unit, a sign or a name stays, and so does one whose value would change.
    """
    scale, spell = (_HAN_SCALE, _grouped) if language == "en" else (_LATIN_SCALE, _in_myriads)
    parts: list[str] = []
    last, values = 0, None
    for number in find_numbers(text):
        spelled = text[number.start : number.end]
        if number.unit or number.identifier or spelled[0] in "+-" or not scale.search(spelled):
            continue
        if _NUMBER_BEFORE.search(text[: number.start]) or _NUMBER_AFTER.match(text, number.end):
            continue
        written = [*parts, text[last : number.start], spell(number.value)]
        values = values or number_values(text)
        # Neighbouring characters can change the new spelling: GPT三万 must not become GPT30,000.
        if number_values("".join([*written, text[number.end :]])) == values:
            parts, last = written, number.end
    return "".join([*parts, text[last:]])


def _grouped(value: Decimal) -> str:
    return f"{value.normalize():,f}"


def _in_myriads(value: Decimal) -> str:
    power, name = (8, "亿") if abs(value) >= 10**8 else (4, "万") if abs(value) >= 10**4 else (0, "")
    return f"{value.scaleb(-power).normalize():f}{name}"


def _digits(text: str) -> Iterator[Number]:
    links = [match.span() for match in _LINK.finditer(text)] if "/" in text or ":" in text else []
    position, last = 0, None
    while core := _CORE.search(text, position):
        number = _number(text, core)
        linked = any(start <= number.start < end for start, end in links)
        # A number that a slash, hyphen or dot joins to a name belongs to it: CIFAR-10/100.
        joined = last is not None and last.identifier and text[last.end : number.start] in {"/", "-", "."}
        if (linked or joined) and not number.identifier:
            number = Number(number.value, number.unit, number.start, number.end, True)
        yield number
        position, last = number.end, number


def _number(text: str, core: re.Match[str]) -> Number:
    start, position = core.span()
    value = Decimal(re.sub("[, \xa0']", "", core[0]).replace("·", "."))
    exponent, position = _exponent(text, core[0], position)
    named = _is_named(text, start, position)
    if _SIGN_BEFORE.search(text, max(0, start - 2), start):
        start -= 1
        value = -value if text[start] == "-" else value
    unit = ""
    if percent := _PERCENT.match(text, position):
        unit, position = "%", percent.end()
    elif text[max(0, start - 3) : start] == "百分之":
        unit, start = "%", start - 3
    return Number(value.scaleb(exponent) if exponent else value, unit, start, position, named)


def _exponent(text: str, core: str, position: int) -> tuple[int, int]:
    """Return the power of ten written after a number, and its end offset."""
    raised = _E.match(text, position) or _TIMES_TEN.match(text, position)
    bare = _TEN_POWER.match(text, position) if core == "10" and not raised else None
    if match := raised or bare:
        power = int(next(group for group in match.groups() if group).translate(_SUPERSCRIPT))
        if abs(power) <= _MAX_EXPONENT:
            return power - (1 if bare else 0), match.end()
    if match := _CHINESE_SCALE.match(text, position):
        return sum(_SCALES[char] for char in match[1]), match.end()
    if match := _SUFFIX_SCALE.match(text, position):
        return _SCALES[match[1]], match.end()
    if match := _ENGLISH_SCALE.match(text, position):
        return sum(_SCALES[word] for word in re.split(r"[\s-]", match[1].lower())), match.end()
    return 0, position


def _is_named(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 3) : start]
    parted = _MULTIPLIED.search(before) or _PARTED_BEFORE.search(text, max(0, start - _PARTED_CHARS), start)
    follows_name = _NAMED_BEFORE.search(before) and not parted
    return bool(follows_name or _NAMED_AFTER.match(text, end))


def _spelled(text: str) -> Iterator[Number]:
    for start, end, value in [*english_numbers(text), *chinese_numbers(text)]:
        rank = text[max(0, start - 1) : start] == "第" or text.startswith(("维", "維"), end)
        unit = ""
        if text[max(0, start - 3) : start] == "百分之":
            unit, start = "%", start - 3
        elif percent := _PERCENT.match(text, end):
            unit, end = "%", percent.end()
        yield Number(value, unit, start, end, rank)
