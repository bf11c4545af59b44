"""Tell Chinese from English, for records and for short mixed questions.

Wrong guesses (`python -m benchmarks.lexical language`), over bilingual_arxiv/train and csl_zh and over questions
made from them; in brackets those of function words and Han share counted over any text, as before:

    | abstracts, titles and headlines               | 2 of 30,000, both English among csl_zh |
    | English name + Chinese ("BERT 准确率")         | 0 of 17,991 (65)                       |
    | English title + Chinese ("... 这篇论文讲了什么") | 19 of 5,997 (2,643)                    |
    | English question with a Chinese term          | 8 of 5,997 (2,813)                     |
    | English sentence, Chinese term in brackets    | 23 of 5,997 (16)                       |

Chinese script: which characters are Han ideographs, and Traditional characters folded to Simplified ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from rag.schema import Language

# The Han ideographs as the inside of a character class: CJK unified, extensions A to H, compatibility.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN = re.compile(f"[{HAN}]")


@cache
def _converter() -> Callable[[str], str]:
    import opencc

    # t2s leaves Simplified text alone: it changed 10 of 9,000 abstracts of bilingual_arxiv/train and csl_zh. The
    # configurations for Taiwan (tw2s, tw2sp) changed 2,056 and 3,875 of them, some into another meaning.
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def to_simplified(text: str) -> str:
    """Return `text` with Traditional characters as Simplified ones, chosen by phrase (乾燥 干燥, 乾隆 乾隆).

    A text without Han characters comes back as it is, without loading anything. Conversion takes 2 µs a
    question and 20 µs an abstract, loading 20 ms once.
    """
    if not _HAN.search(text):
        return text
    try:
        return _converter()(text)
    except UnicodeEncodeError:  # lone surrogates, from bytes that were not UTF-8
        return text


# Above this many English words a text is running text: names and quotes no longer decide, function words do.
# 25 to 80 guess alike in the benchmark above.
_RUNNING_TEXT_WORDS = 40
# A word by itself: the "of" of Chain-of-Thought is part of a name.
_ENGLISH_WORD = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z]+(?![A-Za-z0-9_-])")
_ENGLISH_FUNCTION = frozenset(
    "a about an and are as at be between by can did do does for from had has have how in into is it its of on or "
    "than that the their there these they this to using vs versus was we were what when where which who why will "
    "with".split()
)
_ENGLISH_ASKS = frozenset(
    "are can compare could define describe did do does explain find give has have how is list name papers should "
    "show summarise summarize tell translate was were what when where which who whom whose why".split()
)
_CHINESE_ASKS = re.compile("什么|为何|多少|哪|谁|怎|吗|呢|吧|如何|是否|能否|有没有|几[个种次倍篇项]|请")
_CHINESE_FUNCTION = re.compile("[的是了在吗呢吧把被和与及或么哪何谁怎几请不这那]|多少")
_HAN_LAST = re.compile(rf"[{HAN}][^\w)）\]】]*$")  # a term in brackets is a gloss


def is_han(char: str) -> bool:
    """Return whether a character is a Han ideograph (CJK unified, extensions A-H, compatibility)."""
    return _HAN.fullmatch(char) is not None


def detect_language(text: str) -> Language:
    """Return the language that `text` is written in: "zh" or "en".

    Running text is in the language with more function words. A question is in the language that frames it: a
    Chinese question about an English name or title is Chinese, an English one about a Chinese term is English.
    Text without Han characters counts as English, Japanese with them as Chinese.
    """
    text = to_simplified(text)
    if not _HAN.search(text):
        return "en"
    words = [word for word in _ENGLISH_WORD.finditer(text) if not word[0].isupper()]  # CAN is a bus, A a name
    function = [word for word in words if word[0].lower() in _ENGLISH_FUNCTION]
    chinese = len(_CHINESE_FUNCTION.findall(text))
    if len(words) > _RUNNING_TEXT_WORDS:
        return "en" if len(function) > chinese else "zh"
    asks = bool(words) and not _HAN.search(text, 0, words[0].start()) and words[0][0].lower() in _ENGLISH_ASKS
    if asks != bool(_CHINESE_ASKS.search(text)):
        return "en" if asks else "zh"
    if _HAN_LAST.search(text):  # a name or title, then Chinese about it; unless "papers by 李白"
        function = [word for word in function if _touches_han(text, word)]
    return "en" if len(function) > chinese else "zh"


def _touches_han(text: str, word: re.Match[str]) -> bool:
    return bool(
        re.match(rf"\s*[{HAN}]", text[word.end() :]) or re.search(rf"[{HAN}]\s*$", text[: word.start()])
    )
