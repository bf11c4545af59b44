"""Detect English and Chinese, and convert Traditional Chinese to Simplified.

The rules were tuned by benchmarks/lexical.py; see docs/decisions.md#language-detection
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from rag.schema import Language

# Han ideographs (CJK unified, extensions A to H, compatibility), for use inside a character class.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN = re.compile(f"[{HAN}]")


@cache
def _converter() -> Callable[[str], str]:
    import opencc

    # t2s, not tw2s or tw2sp, which damage Simplified text; see docs/decisions.md#traditional-to-simplified
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def to_simplified(text: str) -> str:
    """Return `text` with Traditional characters as Simplified ones, chosen by phrase (乾燥 干燥, 乾隆 乾隆).

    The converter is loaded only for text with Han characters.
    """
    if not _HAN.search(text):
        return text
    try:
        return _converter()(text)
    except UnicodeEncodeError:  # lone surrogates, from bytes that were not UTF-8
        return text


# English words; function words alone decide for a text with more. Higher treats more texts as questions.
_RUNNING_TEXT_WORDS = 40
# A whole word; words inside a hyphenated name do not count.
_ENGLISH_WORD = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z]+(?![A-Za-z0-9_-])")
_ENGLISH_FUNCTION = frozenset(
    "a about an and are as at be between by can did do does for from had has have how in into is it its of "
    "on or than that the their there these they this to using vs versus was we were what when where which "
    "who why will with".split()
)
_ENGLISH_ASKS = frozenset(
    "are can compare could define describe did do does explain find give has have how is list name papers "
    "should show summarise summarize tell translate was were what when where which who whom whose why".split()
)
_CHINESE_ASKS = re.compile("什么|为何|多少|哪|谁|怎|吗|呢|吧|如何|是否|能否|有没有|几[个种次倍篇项]|请")
_CHINESE_FUNCTION = re.compile("[的是了在吗呢吧把被和与及或么哪何谁怎几请不这那]|多少")
_HAN_LAST = re.compile(rf"[{HAN}][^\w)）\]】]*$")  # ignores a Chinese term in brackets


def is_han(char: str) -> bool:
    """Return whether `char` is one Han ideograph."""
    return _HAN.fullmatch(char) is not None


def detect_language(text: str) -> Language:
    """Return the language of `text`.

    Function words decide for a long text, and question words first for a short one, so a Chinese question
    about an English title is Chinese. Text without Han characters is English; Japanese with them is Chinese.
    """
    text = to_simplified(text)
    if not _HAN.search(text):
        return "en"
    words = [word for word in _ENGLISH_WORD.finditer(text) if not word[0].isupper()]  # all capitals: a name
    function = [word for word in words if word[0].lower() in _ENGLISH_FUNCTION]
    chinese = len(_CHINESE_FUNCTION.findall(text))
    if len(words) > _RUNNING_TEXT_WORDS:
        return "en" if len(function) > chinese else "zh"
    asks = bool(words) and not _HAN.search(text, 0, words[0].start()) and words[0][0].lower() in _ENGLISH_ASKS
    if asks != bool(_CHINESE_ASKS.search(text)):
        return "en" if asks else "zh"
    if _HAN_LAST.search(text):  # perhaps an English title, then Chinese about it
        function = [word for word in function if _touches_han(text, word)]
    return "en" if len(function) > chinese else "zh"


def _touches_han(text: str, word: re.Match[str]) -> bool:
    neighbours = text[: word.start()].rstrip()[-1:] + text[word.end() :].lstrip()[:1]
    return _HAN.search(neighbours) is not None
