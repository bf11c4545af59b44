"""Read a question about fields: who wrote, when, where, how many, the latest, by author, year and venue."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal
from unicodedata import normalize

from rag.answering.fields.asked import IDENTIFIERS, OF_ONE_FIELD, Asked, is_loose, what_is_asked
from rag.answering.fields.library import Library
from rag.answering.fields.values import Values, find_values
from rag.answering.fields.words import (
    AUTHOR,
    NO_TOPIC,
    QUOTED,
    SHAPES,
    TITLE,
    VENUE,
    YEARS,
    classes,
    unknown_words,
)
from rag.answering.fields.years import Span
from rag.schema import Language
from rag.text.analyzer import analyze
from rag.text.language import detect_language, to_simplified
from rag.text.numbers import number_values

# Words without one of which a question is not looked at more closely: it saves reading the catalogue.
_CUE = re.compile(
    r"\b(?:who|whom|whose|wrote|writt?en|writes?|author|co-?author|publish|released?|journal|conference|venue|"
    r"proceedings|doi|arxiv|pmid|latest|newest|most recent|recent|oldest|earliest|new|papers?|articles?|"
    r"stud(?:y|ies)|publications?|abstracts?|preprints?|research|works?|by|et al|key ?words?|what|url|"
    r"link|years?|when|where|appear|list|how (?:many|often)|everything|anything|all)|(?:1[5-9]|20)\d\d"
    r"|谁|作者|写|撰|著|发表|篇|哪些|出版|刊|期刊|杂志|年|最新|最近|最早|论文|文章|文献|摘要|研究|关键词|链接|DOI",
    re.IGNORECASE,
)
# Words that point to an earlier turn: what they mean is not in the question.
_THIS_PAPER = "(?:this|that) (?:paper|article|study|one)"
_POINTS_BACK = re.compile(
    rf"(?i)\b(?:it|its|they|their|them|these|those|him|his|her|he|she|{_THIS_PAPER})\b"
    r"|它|[他她]们?|这[些篇]|那些|上述|该(?:文|论文|研究)"
)
_PLURAL = re.compile(
    r"\b(?:papers|articles|publications|abstracts|preprints|manuscripts|studies|works|reviews|surveys|things|titles"
    r"|all|any|anything|everything)\b",
    re.IGNORECASE,
)
# Chinese has no plural.
_ONE = re.compile("哪一?篇|那篇|一篇|哪项")
_SEVERAL = re.compile("哪些|些|所有|全部|分别|各|都")
_ITSELF = re.compile(r"(?i)\b(?:paper|article|study|work|one)\b.*\bit\b")  # it is in the question
# A question for a field that stays one with a word more.
_PLAIN_ASK = re.compile(
    r"(?i)\bwho(?:m|se)?\b.*\b(?:wrote|written|authored)|\bauthors?\b|\b(?:when|year|where|journal)\b.*\bpublish|\bdoi\b"
)
_WORDS_TRIED = 12  # words of no class that are left out, one at a time
_SURE = ("none", "marked", "quoted")  # shapes in which a word or quotation marks announce the topic
_ARTICLE = re.compile(r"(?i)\b(?:the|an?)\b")  # inside a topic that no word announces, it parts two things
# Characters of the longest question about fields; what is longer is a text with a question in it.
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class FieldQuestion:
    """What is asked of which works; all conditions that are set must hold.

    Attributes:
        asked: a list, a count, one field of each work, or works counted by a field.
        authors: who wrote the works: all of them, or with `any_author` one.
        works: numbers of the works that the question names by title or identifier; empty: of no known work.
        topic: what the works are about. With `as_title` only a title that holds it all will do.
        sure: a word announces the topic; else the question is about fields only if the topic is found.
        one: the question speaks of one paper.
        order: newest or oldest first, only the first of them if no `limit` is set and `one`.
    """

    language: Language
    asked: Asked
    authors: tuple[str, ...] = ()
    any_author: bool = False
    years: tuple[Span, ...] = ()
    venue: str | None = None
    works: tuple[int, ...] | None = None
    topic: str | None = None
    as_title: bool = False
    sure: bool = True
    written: Language | None = None
    one: bool = False
    order: Literal["newest", "oldest"] | None = None
    most: bool = False
    limit: int | None = None


def may_ask_fields(question: str) -> bool:
    """Return whether a question may be about fields; cheap, and wrong only on the safe side."""
    return len(question) <= _LONGEST and _CUE.search(question) is not None


def read_field_question(question: str, library: Library, this_year: int) -> FieldQuestion | None:
    """Return what a question asks of the fields of a library, None if it is about something else."""
    text = to_simplified(normalize("NFKC", question)).replace("’", "'").strip(" .。!?~,吗呢？！\n")
    values = find_values(text, library, this_year)
    if values.works is None and _POINTS_BACK.search(_ITSELF.sub("", values.text)):
        return None
    language = detect_language(question)
    return _read_text(values, language, library) or _read_without_a_word(values, language, library)


def _read_without_a_word(values: Values, language: Language, library: Library) -> FieldQuestion | None:
    """Read a question without one word that is of no class, where the others ask for a field plainly."""
    named = bool(values.authors or values.venue or values.works)
    if not named and not _PLAIN_ASK.search(values.text):
        return None
    for word in unknown_words(values.text)[:_WORDS_TRIED]:
        if library.has_in_title(word[0]):
            continue
        less = replace(
            values, text=f"{values.text[: word.start()]}{values.text[word.end() :].lstrip()}".strip(" ,")
        )
        read = _read_text(less, language, library)
        if read and _is_plain(read, classes(less.text), library):
            return read
    return None


def _is_plain(read: FieldQuestion, words: set[str], library: Library) -> bool:
    """Return whether a question asks for a field so plainly that a word more does not change it."""
    if read.as_title or not all(library.authors.knows(name) for name in read.authors):
        return False
    if read.asked == "authors":
        return bool(words & {"wrote", "author"})
    if read.asked in OF_ONE_FIELD:
        return bool(words & {"wrote", "issued", *IDENTIFIERS})
    named = read.authors or (read.venue and library.in_venue(read.venue))
    return bool(named and words & {"papers", "paper", "wrote", "issued"})


def _read_text(values: Values, language: Language, library: Library) -> FieldQuestion | None:
    fitting = ((kind, match) for kind, shape in SHAPES if (match := shape.fullmatch(values.text)))
    return next(
        filter(None, (_read(match, kind, values, language, library) for kind, match in fitting)), None
    )


def _read(
    match: re.Match[str], kind: str, values: Values, language: Language, library: Library
) -> FieldQuestion | None:
    """Return the question of one shape; None if a word, a value or the topic does not fit into it."""
    parts = match.groupdict()
    topic = (parts.get("topic") or "").strip(" ,，、的")
    rest = f"{parts['head']} {parts.get('tail') or ''}"
    words = classes(rest)
    asked = what_is_asked(words, about=bool(topic))
    if asked is None or not _holds_all(values, rest) or not _may_be_topic(topic, kind, asked, words):
        return None
    known = all(library.authors.knows(name) for name in values.authors)
    if not known and not _is_author(values, words, kind):
        return None
    return FieldQuestion(
        language,
        asked,
        values.authors,
        values.any_author,
        values.years,
        values.venue,
        values.works,
        topic=(values.quoted if topic == QUOTED else topic) or None,
        as_title=kind == "title" or (bool(topic) and is_loose(words)),
        sure=kind in _SURE,
        written="zh" if "written_zh" in words else "en" if "written_en" in words else None,
        one=_speaks_of_one(values.text, asked, words, language),
        order="newest" if "latest" in words else "oldest" if "oldest" in words else None,
        most="most" in words,
        limit=int(max(number_values(rest), default=0)) or None if "number" in words else None,
    )


def _may_be_topic(topic: str, kind: str, asked: Asked, words: set[str]) -> bool:
    """Return whether a topic that stands in a shape of this kind can be one; no topic always can."""
    if not topic or topic == QUOTED:
        return True
    if NO_TOPIC.search(topic) or any(mark in topic for mark in (AUTHOR, YEARS, VENUE, TITLE, QUOTED)):
        return False
    if kind in _SURE:
        return True
    if classes(topic) & {"wrote", "issued"} or _ARTICLE.search(topic):
        return False
    if kind == "title":  # nothing announces it: a field is asked of it, and one word is too little
        return asked in OF_ONE_FIELD and len(analyze(topic)) > 1
    return asked != "list" or bool(words & {"papers", "paper"})


def _speaks_of_one(text: str, asked: Asked, words: set[str], language: Language) -> bool:
    if language == "en":
        return not ("number" in words or _PLURAL.search(text))
    return bool(_ONE.search(text)) or (asked != "list" and not _SEVERAL.search(text))


def _is_author(values: Values, words: set[str], kind: str) -> bool:
    """Return whether an unknown author is said to have written something, and nothing more is asked."""
    verb = re.search(rf"{AUTHOR} (?:study|work|research)\b", values.text)
    wrote = words & {"wrote", "issued", "papers"} or ("paper" in words and not verb)
    return bool(wrote) and "when" not in words and kind in _SURE


def _holds_all(values: Values, rest: str) -> bool:
    """Return whether every value stands outside the topic, where it was read as what it is."""
    marks = (
        (AUTHOR, values.authors),
        (YEARS, values.years),
        (VENUE, values.venue),
        (TITLE, values.works is not None),
    )
    return all(mark in rest for mark, there in marks if there)
