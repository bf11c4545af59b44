"""Tell Chinese from English, for records and for short mixed questions."""

from __future__ import annotations

import re

from rag.chinese import HAN
from rag.schema import Language

# Without function words in either language ("BERT 模型") this share of Han letters decides; a Han character
# carries about as much as half an English word. tests/test_language.py: 1,000 parallel abstracts, none wrong.
_HAN_SHARE = 0.04
_HAN_LETTERS_PER_WORD = 2
_ENGLISH_WORD = re.compile(r"[A-Za-z]+")
_ENGLISH_FUNCTION_WORDS = """
a an and are as at be by can did do does for from had has have how in into is it its of on or that the
their there these they this to was we were what when where which who why will with
"""
_ENGLISH_FUNCTION = frozenset(_ENGLISH_FUNCTION_WORDS.split())
_CHINESE_FUNCTION = re.compile("[的是了在吗呢吧把被和与及或什么么哪何谁怎几多少为对有从将用请不能会可以这那]")
_HAN = re.compile(f"[{HAN}]")


def is_han(char: str) -> bool:
    """Return whether a character is a Han ideograph (CJK unified, extensions A-H, compatibility)."""
    return _HAN.fullmatch(char) is not None


def detect_language(text: str) -> Language:
    """Return the language that `text` is written in: "zh" or "en".

    An English abstract or question that quotes Chinese terms stays English; a Chinese question about an
    English model name stays Chinese. The language with more function words wins; where neither has any, the
    share of Han letters decides.
    """
    han = len(_HAN.findall(text))
    if not han:
        return "en"
    words = _ENGLISH_WORD.findall(text)
    english = sum(word.lower() in _ENGLISH_FUNCTION for word in words)
    chinese = len(_CHINESE_FUNCTION.findall(text))
    if english and chinese and english != chinese:
        return "en" if english > chinese else "zh"
    if english:
        return "en" if english > 1 or han < _HAN_LETTERS_PER_WORD * len(words) else "zh"
    if chinese:
        return "zh"
    return "zh" if han / sum(char.isalpha() for char in text) >= _HAN_SHARE else "en"
