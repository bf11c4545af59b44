"""Tell what a paragraph of plain text is: a title, a list of authors, a section of an abstract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag.text.language import HAN

_ENGLISH_SECTIONS = (
    "abstract|aims?|background|conclusions?|context|data (?:extraction|sources|synthesis)|design|discussion|"
    "evidence|exposures?|findings|funding|goals?|hypothesis|implications|importance|interpretation|interventions?|"
    "introduction|key (?:findings|points|results)|limitations?|main (?:outcomes?|results?)(?: measures?)?|"
    "materials?(?: and| &) methods?|measurements?|methodology|methods?|"
    "methods? and (?:findings|materials|results)|motivation|objectives?|outcomes?(?: measures?)?|"
    "participants|patients(?: and methods)?|population|purpose|rationale|registration|relevance|"
    "results?(?: and (?:conclusions?|discussion))?|setting|significance|"
    "statement of (?:the )?problem|study (?:design|selection|population)|subjects|summary|trial registration"
)
_CHINESE_SECTIONS = (
    "研究目的|目的(?:与意义|和意义|意义)?|目标|背景(?:与目的|和目的)?|研究背景|引言|方法(?:与结果)?|研究方法|"
    "材料[与和]方法|资料[与和]方法|对象[与和]方法|研究对象|设计|结果(?:与讨论|与结论)?|研究结果|主要结果|发现|"
    "结论(?:与意义)?|研究结论|讨论|意义|创新点?|局限性?|展望|过程|价值"
)
_SECTION = re.compile(
    rf"[*_#]{{0,4}}\s?[\[【(（〔]?\s?(?:"
    rf"(?P<en>(?i:{_ENGLISH_SECTIONS}))\s?(?:[\]】)）〕]\s?[:：]?|[:：]|\.(?=\s+[A-Z])|\s[—–-]\s|$)|"
    r"(?P<capitals>[A-Z][A-Z ,/&()-]{2,60})(?:[:：]|[\]】]\s?[:：]?)|"
    rf"(?P<zh>{_CHINESE_SECTIONS})\s?(?:[\]】)）〕]\s?[:：]?|[:：。]|[ \t　]|$))",
    re.MULTILINE,
)
_WITHIN = re.compile(r"(?:^|[.。;；!?！？\n])\s*(?=[\[【(（〔A-Z一-鿿])")
_OPENING = re.compile(
    "background|introduction|objective|aim|purpose|context|importance|rationale|motivation|goal|statement|"
    "目的|目标|背景|引言",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.。!！;；:：,，、]\W*$")
_SENTENCE_END = re.compile(r"[.。!?！？][\"”’)）\]\d]*(?:\s|$)|[。！？]")
_NAME = re.compile(
    rf"(?:[A-ZÀ-Þ][\w'’.-]*(?:[ -](?:[A-ZÀ-Þ][\w'’.-]*|de|da|der|van|von|la|le|bin|al|el|y|dos)){{0,4}}|"
    rf"[{HAN}·]{{2,5}})"
    r"[\d*†‡,¹²³⁴-⁹ ]*"
)
_LIST_OF_NAMES = re.compile(r"\s*[,;，；、&]\s*(?:and\s+)?|\s+and\s+|\s{2,}|\n")
# A title in characters and in words; longer is a text.
_LONGEST_TITLE = 300
_MOST_WORDS = 45
_LONGEST_HAN_TITLE = 60
_LONGEST_NAMES = 400  # characters of a line of authors
_BODY = 300  # characters; a paragraph longer than this is a text also without a full stop
_FITS = 0.9  # of the width of a paragraph: a line shorter than this was ended on purpose
_TWICE = 1.5  # how much longer than its title a text of one line is at least


def section_of(paragraph: str) -> str | None:
    """Return the label of a section of a structured abstract ("methods", 方法), or None."""
    return next(_labels(paragraph, [0]), None)


def sections_in(paragraph: str) -> list[str]:
    """Return the labels of all sections in a paragraph, at its beginning and behind its sentences."""
    return list(_labels(paragraph, [0, *(found.end() for found in _WITHIN.finditer(paragraph))]))


def _labels(paragraph: str, places: Iterable[int]) -> Iterator[str]:
    for found in (_SECTION.match(paragraph, place) for place in places):
        if found and not (found["capitals"] and _names_a_title(found["capitals"], paragraph)):
            yield (found["en"] or found["capitals"] or found["zh"]).strip().casefold()


def _names_a_title(capitals: str, paragraph: str) -> bool:
    """Return whether a word in capitals is what a title begins with: "BERT: Pre-training of Deep …"."""
    return " " not in capitals.strip() and is_title(paragraph)


def opens(label: str) -> bool:
    """Return whether a section is the first one of an abstract."""
    return _OPENING.search(label) is not None


def is_title(paragraph: str) -> bool:
    """Return whether a paragraph can be a title: short, without a full stop at its end or within."""
    text = " ".join(paragraph.split())
    if not 3 <= len(text) <= _LONGEST_TITLE or _ENDS.search(text) or paragraph.count("\n") > 2:
        return False
    if len(re.findall(f"[{HAN}]", text)) > _LONGEST_HAN_TITLE or len(text.split()) > _MOST_WORDS:
        return False
    return re.search(r"[。！]|[a-z)]{2}[.!]\s+[A-Z]", text) is None and any(char.isalpha() for char in text)


def is_body(paragraph: str) -> bool:
    """Return whether a paragraph is running text: with a sentence that ends, or long."""
    return len(paragraph) > _BODY or _SENTENCE_END.search(paragraph) is not None


def are_names(paragraph: str) -> bool:
    """Return whether a paragraph is a list of names."""
    if len(paragraph) > _LONGEST_NAMES:
        return False
    names = [name for name in _LIST_OF_NAMES.split(paragraph.strip(" .\n")) if name.strip(r" \d*†‡")]
    return bool(names) and all(_NAME.fullmatch(name.strip()) for name in names)


def split_title(lines: list[str]) -> tuple[str | None, list[str]]:
    """Return the title that is the first line of a paragraph, and the other lines.

    A line is a title where the text begins in the next one although its first word had room in this one,
    which no line wrap does.
    """
    if len(lines) < 2 or not is_title(lines[0]) or section_of(lines[0]) or section_of(lines[1]):
        return None, lines
    first, second = lines[0].strip(), lines[1].strip()
    begins = re.match(rf"[\"“‘(]?[A-Z0-9{HAN}]", second)
    if not begins or not _SENTENCE_END.search(lines[-1].strip()[-4:]):
        return None, lines
    if len(lines) == 2:
        return (first, lines[1:]) if len(second) >= _TWICE * len(first) and is_body(second) else (None, lines)
    word = re.match(rf"[{HAN}]|\S+", second)
    room = max(len(line.strip()) for line in lines[1:]) * _FITS
    fits = len(first) + 1 + len(word[0] if word else "") < room
    return (first, lines[1:]) if fits else (None, lines)
