"""Compare the names of authors, however they are written: "Wang, Wei", "W. Wang", "WANG Wei", 王 伟."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.text.language import HAN, to_simplified

# Letters that Unicode does not take apart into a plain letter and a mark.
_LETTERS = str.maketrans("øłđðþıħŁØĐ", "oldðtihLOD") | str.maketrans({"æ": "ae", "œ": "oe", "ß": "ss"})
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ‐‑-][^\W\d_]+)*")
_WORD_PART = re.compile(r"[^\W\d_]+")
_ASCII_WORD = re.compile("[a-z]+")
_JOINTS = re.compile("['’ʼ‐‑-]")
_HAN_NAME = re.compile(rf"[{HAN}]+")
_HAN_JOINTS = re.compile(r"[\s·•,，、.]+")
_BRACKETS = re.compile(r"[(（\[]([^)）\]]*)[)）\]]")
_SUFFIX = re.compile(r"[\s,]+(?:[Jj]r|JR|[Ss]r|SR|II|III|IV|Ph\.?D|M\.D)\.?\s*$")  # Ii and Md are surnames
_PARTICLES = frozenset("van von der den de del della da di dos du la le el al bin ibn ter ten zu y".split())
# Capital letters in one word that stand for given names, as in "Wang WM".
_INITIALS = re.compile(r"[A-Z]{1,3}")
# Words of one name; what is longer is no name, and would have many readings.
_LONGEST = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name: folded surname, and folded given names of which some may be initials."""

    surname: str
    given: tuple[str, ...] = ()

    @property
    def han(self) -> bool:
        """Whether it is a Chinese name, which is compared whole."""
        return _HAN_NAME.fullmatch(self.surname) is not None

    def fits(self, own: Reading) -> bool:
        """Return whether this may be the author `own`; without given names only the surname counts."""
        return self.surname in surname_keys(own.surname) and (
            not self.given or same_given(self.given, own.given)
        )


@dataclass(frozen=True, slots=True)
class Name:
    """A written name with its likely readings; `loose` ones are tried where those fit no author."""

    written: str
    readings: tuple[Reading, ...]
    loose: tuple[Reading, ...] = ()


def fold(text: str) -> str:
    """Return `text` without case, accents and width, with Traditional characters as Simplified ones."""
    return fold_letters(to_simplified(unicodedata.normalize("NFKC", text)))


def fold_letters(text: str) -> str:
    """Return `text` without case and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(_LETTERS).casefold()


@lru_cache(maxsize=1 << 15)
def read_name(written: str) -> Name:
    """Read the name of an author as a record gives it; a name in two scripts is read in both."""
    parts = [written, *_BRACKETS.findall(written)]
    readings: list[Reading] = []
    loose: list[Reading] = []
    for part in (_BRACKETS.sub(" ", part) for part in parts):
        if han := _HAN_NAME.findall(_HAN_JOINTS.sub("", fold(part))):
            readings += [Reading(name) for name in han]
            part = re.sub(f"[{HAN}]", " ", part)
        likely, other = _latin(_SUFFIX.sub("", part))
        readings += likely
        loose += other
    return Name(written, tuple(dict.fromkeys(readings)), tuple(dict.fromkeys(loose)))


def _latin(written: str) -> tuple[list[Reading], list[Reading]]:
    """Return the likely and the loose readings of a Latin name; its surname is last, or before a comma."""
    if "," in written:
        surname, _, given = written.partition(",")
        words = _words(surname)
        return ([Reading(_join(words), _given(_words(given)))] if words else []), []
    words = _words(written)[:_LONGEST]
    if len(words) < 2:
        return [Reading(_join(words))] if words else [], []
    full = next((i for i, word in enumerate(words) if _INITIALS.fullmatch(word)), len(words))
    if full and all(_INITIALS.fullmatch(word) for word in words[full:]) and full < len(words):  # Wang WM
        return [Reading(_join(words[:full]), _given(words[full:]))], []
    first = next((i for i, word in enumerate(words) if i and fold(word) in _PARTICLES), len(words) - 1)
    whole = fold(words[0]) in _PARTICLES  # "van der Meer" is all surname
    likely = [Reading(_join(words)) if whole else Reading(_join(words[first:]), _given(words[:first]))]
    splits = [
        Reading(_join(surname), _given(given))
        for i in range(1, len(words))
        for surname, given in ((words[i:], words[:i]), (words[:i], words[i:]))
    ]
    return likely, [reading for reading in splits if reading not in likely]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _join(words: Sequence[str]) -> str:
    return _JOINTS.sub("", fold(" ".join(words)))


def _given(words: Sequence[str]) -> tuple[str, ...]:
    """Return given names as folded words; capitals in one word are initials, each a word."""
    given: list[str] = []
    for word in (part for whole in words for part in re.split("[‐‑-]", whole)):
        given += list(fold(word)) if _INITIALS.fullmatch(word) else [fold(word)]
    return tuple(given)


def surname_keys(surname: str) -> set[str]:
    """Return what a surname is looked up under: whole, without particles, and the first of several words."""
    words = surname.split()
    core = [word for word in words if word not in _PARTICLES] or words
    return {surname, " ".join(core), core[0]} if words else set()


def same_given(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether given names may be one person's: equal as far as both go, initials for whole names."""
    if "".join(one) == "".join(other):
        return True
    for left, right in zip(one, other, strict=False):
        shorter, longer = sorted((left, right), key=len)
        if longer != shorter and not (len(shorter) == 1 and longer.startswith(shorter)):
            return False
    return bool(one and other)


def index_words(name: str) -> set[str]:
    """Return the folded words of a name: its Latin words, whole and in parts, and each Chinese name whole."""
    folded = fold(name)
    if folded.isascii():
        words = set(_ASCII_WORD.findall(folded))
        return words | set(_words_joined(folded)) if _JOINTS.search(folded) else words
    han = _HAN_NAME.findall(_HAN_JOINTS.sub("", folded))
    latin = re.sub(f"[{HAN}]", " ", folded)
    return {*han, *_WORD_PART.findall(latin), *_words_joined(latin)}


def is_plain_name(name: str) -> bool:
    """Return whether the folded words of a name are its words in lower case and nothing more."""
    return name.isascii() and not _JOINTS.search(name)


def _words_joined(folded: str) -> list[str]:
    return [_JOINTS.sub("", word) for word in _WORD.findall(folded)]


# The most frequent Chinese surnames (about nine of ten people).
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟"
    "谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛"
    "邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆"
    "蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗"
    "瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)


def is_han(text: str) -> bool:
    """Return whether `text` is Chinese characters and nothing else."""
    return _HAN_NAME.fullmatch(text) is not None


def is_han_surname(char: str) -> bool:
    """Return whether a Chinese character is a frequent surname."""
    return char in _SURNAMES
