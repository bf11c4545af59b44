"""Find contradictions between two similar texts: in a number, a negation, a direction or a name."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from rag.indexing.dedup.words.exchange import exchanges_names
from rag.indexing.dedup.words.opposites import are_opposites
from rag.indexing.dedup.words.spelling import is_slip
from rag.text.numbers import Number, find_numbers

Contrast = Literal["number", "negation", "direction", "name"]

_UP = """
increas\\w* improv\\w* ris(?:e|es|en|ing) rose rais(?:e|es|ed|ing) gain(?:s|ed|ing)? grow(?:s|n|th|ing)? grew
higher highest greater greatest larger largest more most better best faster fastest stronger above over
exceed\\w* outperform\\w* surpass\\w* enhanc\\w* boost\\w* accelerat\\w* strengthen\\w* upregulat\\w* up
longer superior positive\\w* gains maxim\\w* expand\\w*
"""
_DOWN = """
decreas\\w* reduc\\w* lower\\w* lowest smaller smallest fewer fewest less least worse worst slower slowest
weaker below under declin\\w* drop(?:s|ped|ping)? fall(?:s|en|ing)? fell degrad\\w* deteriorat\\w*
diminish\\w* weaken\\w* downregulat\\w* down shorter inferior underperform\\w* negative\\w* minim\\w*
shrink\\w* shrank decelerat\\w* los(?:s|es|e|t|ing) suppress\\w*
"""
_NOT = """
no not nor none never neither without cannot unable fail(?:s|ed|ing|ure)? lack(?:s|ed|ing)? absen(?:t|ce) non
hardly rarely
"""
_UP_WORD, _DOWN_WORD, _NOT_WORD = (re.compile("|".join(words.split())) for words in (_UP, _DOWN, _NOT))
_UP_HAN = (
    "提高|提升|增加|增长|增大|增强|上升|升高|升至|改善|改进|高于|大于|优于|多于|快于|超过|超越|胜过"
    "|更高|更大|更快|更好|更多|更强|更优|扩大|加快|加速"
)
_DOWN_HAN = (
    "降低|下降|减少|减小|减弱|减缓|降至|低于|小于|劣于|少于|慢于|不如|不及|更低|更小|更慢|更差|更少|更弱"
    "|缩小|缩短|削弱|恶化|变差"
)
# Words that contain 不, 无, 未 or 非 but do not negate.
_PLAIN_HAN = "不同|不仅|不断|不但|不过|不管|不论|不久|无论|无人|无线|未来|非常|除非|是否|否则|并非常"
_NOT_HAN = "没有|毫无|无法|不能|不会|并非|并不|从未|尚未|未能|不|没|无|未|非|勿|莫"
_EVENTS = {"plain": _PLAIN_HAN, "down": _DOWN_HAN, "up": _UP_HAN, "not": _NOT_HAN}  # first match wins
_PREFIXES = ("un", "in", "im", "ir", "il", "non", "dis")
_ROMAN_NUMBER = re.compile(r"\b(?:I{2,3}|IV|VI{1,3}|IX)\b")
_TOKEN = re.compile(
    "|".join(f"(?P<{name}_han>{words})" for name, words in _EVENTS.items())
    + rf"|(?P<roman>{_ROMAN_NUMBER.pattern})"
    r"|(?P<han>[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af])"
    r"|(?P<word>[^\W\d_\u3400-\u9fff]+(?:['’][a-z]+)?)|(?P<other>\w)"
)
_ROMAN = {"II": 2, "III": 3, "IV": 4, "VI": 6, "VII": 7, "VIII": 8, "IX": 9}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_UNIT_POWER = re.compile(r"(?<=[A-Za-z)])[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_LONG_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]{4,}")
_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?:;。！？：；])[\s\"'“‘(\[]*$")
_KINDS: dict[str, Contrast] = {"#": "number", "¬": "negation", "↑": "direction", "↓": "direction"}
_HAN_MARKS = {"down_han": "↓", "up_han": "↑", "not_han": "¬"}


def find_contrast(first: str, second: str) -> Contrast | None:
    """Return how two similar texts contradict each other, or None.

    difflib aligns words and Han characters. Inside a difference, the two sides must have the same numbers by
    value (1.2万 is 12,000; II is 2), negations (also prefixes such as un-) and directions (higher, 降低) in
    the same order, and no name may stand for another. One wrong letter in a long word does not count.
    """
    ours, theirs = contrast_tokens(first), contrast_tokens(second)
    if ours == theirs:
        return None
    cased_ours, cased_theirs = _cased_tokens(first), _cased_tokens(second)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    stretches = []
    for operation, i, j, k, m in matcher.get_opcodes():
        if operation != "equal":
            if contrast := _differ(ours[i:j], theirs[k:m]):
                return contrast
            stretches.append((_unmarked(cased_ours[i:j]), _unmarked(cased_theirs[k:m])))
    return "name" if exchanges_names(stretches) else None


def number_sequence(text: str) -> tuple[str, ...]:
    """Return the values of all numbers of a text in reading order, each in one canonical spelling."""
    text = _plain_powers(text)
    found = [(number.start, _spell(number)) for number in find_numbers(text)]
    found += [(match.start(), f"#{_ROMAN[match[0]]}") for match in _ROMAN_NUMBER.finditer(text)]
    return tuple(spelled for _, spelled in sorted(found))


@lru_cache(maxsize=4096)
def contrast_tokens(text: str) -> tuple[str, ...]:
    """Return the words and Han characters of a text in lower case, with numbers as "#value"."""
    return tuple(token if token.startswith("#") else token.lower() for token in _cased_tokens(text))


@lru_cache(maxsize=4096)
def _cased_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text with the capitals that tell names: none at the beginning of a sentence."""
    text = _plain_powers(text)
    if _is_shouted(text):
        text = text.lower()
    tokens: list[str] = []
    position = 0
    for number in find_numbers(text):
        tokens += _words(text, position, number.start)
        tokens.append(_spell(number))
        position = number.end
    return (*tokens, *_words(text, position, len(text)))


def _is_shouted(text: str) -> bool:
    """Return whether most long words begin with a capital, so that capitals tell nothing."""
    words = _LONG_WORD.findall(text)
    return sum(not word.islower() for word in words) > len(words) / 2


def _plain_powers(text: str) -> str:
    return _UNIT_POWER.sub(lambda match: match[0].translate(_SUPERSCRIPTS), text)


def _spell(number: Number) -> str:
    return f"#{number.value.normalize()}"


def _words(text: str, start: int, end: int) -> list[str]:
    matches = _TOKEN.finditer(text, start, end)
    return [f"#{_ROMAN[match[0]]}" if match["roman"] else _cased(text, match) for match in matches]


def _cased(text: str, match: re.Match[str]) -> str:
    word = match[0]
    begins = not word.islower() and _SENTENCE_BEGINS.search(text, max(0, match.start() - 4), match.start())
    return word.lower() if begins and (word[1:].islower() or len(word) == 1) else word


def _unmarked(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tokens that are no number, negation or direction, which `_differ` has compared."""
    return tuple(token for token in tokens if not _mark(token.lower()))


def _differ(ours: tuple[str, ...], theirs: tuple[str, ...]) -> Contrast | None:
    if len(ours) == len(theirs):
        pairs = [
            (x, y) for x, y in zip(ours, theirs, strict=True) if are_opposites(x, y) or not is_slip(x, y)
        ]
        if any(_negates(x, y) or _negates(y, x) for x, y in pairs):
            return "negation"
        if any(are_opposites(x, y) for x, y in pairs):
            return "direction"
        ours, theirs = tuple(x for x, _ in pairs), tuple(y for _, y in pairs)
    left, right = ([mark for mark in map(_mark, side) if mark] for side in (ours, theirs))
    if left == right:
        return None
    differing = next((x for x, y in zip(left, right, strict=False) if x != y), None)
    longer = max(left, right, key=len)
    return _KINDS[(differing or longer[min(len(left), len(right))])[0]]


@lru_cache(maxsize=65536)
def _mark(token: str) -> str:
    """Return "#value" for a number, "¬" for a negation, "↑" or "↓" for a direction, else ""."""
    if token.startswith("#"):
        return token
    if (match := _TOKEN.fullmatch(token)) and match.lastgroup in _HAN_MARKS:
        return _HAN_MARKS[match.lastgroup]
    if _NOT_WORD.fullmatch(token) or token.endswith(("n't", "n’t")):
        return "¬"
    return "↑" if _UP_WORD.fullmatch(token) else "↓" if _DOWN_WORD.fullmatch(token) else ""


def _negates(word: str, other: str) -> bool:
    return len(other) > 3 and any(word == prefix + other for prefix in _PREFIXES)
