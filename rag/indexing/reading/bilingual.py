"""Part one text into its Chinese and its English abstract, where a record gives both."""

from __future__ import annotations

import re
from itertools import islice

from rag.text.language import HAN, detect_language

# What introduces an abstract or ends it; at the beginning of a text it is no part of it.
_HEADING = re.compile(
    r"\s{0,9}[\[【(（]?\s?(?:(?:英文|中文|外文|内容)?摘\s?要|文\s?摘|"
    r"(?:English |Chinese )?Abstract|ABSTRACT|Summary)"
    r"\s{0,3}(?:[\]】)）]\s?[:：]?|[:：.]|(?=\n|\s{2})|$)\s*",
)
_KEYWORDS = re.compile(
    r"[\[【(（]?\s?(?:关\s?键\s?[词字]|主题词|Key\s?[Ww]ords|KEY\s?WORDS|Index Terms)"
    r"\s?[\]】)）]?\s?[:：—]\s{0,9}(.*)$",
    re.DOTALL,
)
_ENGLISH_HEADING = re.compile(r"[\[【(（]?(?:英文摘要|外文摘要|(?:English )?Abstract|ABSTRACT)(?![a-z])")
_CHINESE_HEADING = re.compile(r"[\[【(（]?(?:中文)?摘\s?要")
_END_OF_CHINESE = re.compile(r"[^\n。！？]{0,80}?[\n。！？]+[”）)\s]*|[^A-Za-z]*")
_WORD = re.compile(r"[A-Za-z]{2,}")
_HAN = re.compile(f"[{HAN}]")
_FUNCTION = re.compile(r"\b(?:the|of|and|in|to|a|is|are|was|were|with|for|by|on|that|we|as)\b", re.IGNORECASE)
# The least of a text in each language for it to be an abstract of its own; fewer is a term or a name.
_LEAST_WORDS = 20  # English words of two letters and more
_LEAST_FUNCTION = 5  # of them, words that make sentences
_LEAST_HAN = 25  # Han characters
_MOST_FOREIGN = 0.1  # Han characters / English words in the English part; higher accepts more mixed texts
_MOST_HEADINGS = 4  # places of the word "Abstract" that are tried as the beginning of the other language
_MOST_KEYWORDS = 400  # characters of a list of keywords at the end of an abstract


def parted(text: str) -> tuple[tuple[str, ...], str]:
    """Return the abstracts in `text`, one or two in the order they stand, and its keywords if there are two.

    There are two where running English follows running Chinese, or the other way round.
    """
    point = _point(text)
    if point is None:
        return (text,), ""
    first, words_one = _bare(text[:point])
    second, words_two = _bare(text[point:])
    return (first, second), words_one or words_two


def without_heading(text: str) -> str:
    """Return a text without the word "Abstract" or 摘要 before it."""
    return _HEADING.sub("", text, count=1) if _HEADING.match(text) else text


def heads_abstract(text: str) -> bool:
    """Return whether a text begins with the word "Abstract" or 摘要 as a heading."""
    return _HEADING.match(text) is not None


def split_keywords(text: str) -> tuple[str, str]:
    """Return a text without the list of keywords at its end, and that list."""
    found = _KEYWORDS.search(text)
    if found is None or len(found[1]) > _MOST_KEYWORDS:
        return text, ""
    return text[: found.start()], found[1]


def title_in(title: str | None, language: str) -> str | None:
    """Return the part of a title such as "中文 / English" that is in `language`."""
    parts = [part.strip() for part in re.split(r"\s+[/|=]\s+|\n", title or "") if part.strip()]
    if len(parts) != 2 or bool(_HAN.search(parts[0])) == bool(_HAN.search(parts[1])):
        return title
    return next(part for part in parts if bool(_HAN.search(part)) == (language == "zh"))


def _bare(text: str) -> tuple[str, str]:
    text, keywords = split_keywords(without_heading(text.strip()))
    return text.strip(), keywords


def _point(text: str) -> int | None:
    """Return where the second language begins: behind the last Han character, or before the first."""
    han = [found.start() for found in _HAN.finditer(text)]
    if len(han) < _LEAST_HAN or len(_WORD.findall(text)) < _LEAST_WORDS:
        return None
    for point in (_start_of_english(text, han), _start_of_chinese(text, han)):
        if point is not None and _are_two(text[:point], text[point:]):
            return point
    return None


def _start_of_english(text: str, han: list[int]) -> int | None:
    for heading in islice(_ENGLISH_HEADING.finditer(text), _MOST_HEADINGS):
        if heading.start() and _are_two(text[: heading.start()], text[heading.start() :]):
            return heading.start()
    end = _END_OF_CHINESE.match(text, han[-1] + 1)
    return end.end() if end else None


def _start_of_chinese(text: str, han: list[int]) -> int | None:
    for heading in islice(_CHINESE_HEADING.finditer(text), _MOST_HEADINGS):
        if heading.start() and _are_two(text[: heading.start()], text[heading.start() :]):
            return heading.start()
    ends = [found.end() for found in re.finditer(r"[.!?][\s\"”)]+", text[: han[0]])]
    return ends[-1] if ends else None


def _are_two(first: str, second: str) -> bool:
    """Return whether one text is a Chinese abstract and the other an English one."""
    return (_is_chinese(first) and _is_english(second)) or (_is_english(first) and _is_chinese(second))


def _is_chinese(text: str) -> bool:
    return len(_HAN.findall(text)) >= _LEAST_HAN and detect_language(text) == "zh"


def _is_english(text: str) -> bool:
    words, han = len(_WORD.findall(text)), len(_HAN.findall(text))
    return (
        words >= _LEAST_WORDS
        and len(_FUNCTION.findall(text)) >= _LEAST_FUNCTION
        and han <= _MOST_FOREIGN * words
    )
