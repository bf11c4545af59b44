"""Read a question about fields: who wrote, when, where, how many, the latest, by author, year and venue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from rag.answering.collection.field_values import Values, find_values
from rag.answering.collection.field_words import (
    AUTHOR,
    NO_TOPIC,
    QUOTED,
    SHAPES,
    TITLE,
    VENUE,
    YEARS,
    classes,
)
from rag.answering.collection.library import Library
from rag.answering.collection.years import Span
from rag.schema import Language
from rag.text.analyzer import analyze
from rag.text.language import detect_language, to_simplified
from rag.text.numbers import number_values

Asked = Literal[
    "list", "count", "authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords",
    "by author", "by year", "by venue",
]  # fmt: skip
_IDENTIFIERS: tuple[Asked, ...] = ("doi", "arxiv", "pmid", "link", "keywords")
_SLOTS = {"author_slot", "year_slot", "venue_slot", "title_slot"}
# Words without one of which a question is not looked at more closely: it saves reading the catalogue.
_CUE = re.compile(
    r"\b(?:who|whom|whose|wrote|writt?en|writes?|author|co-?author|publish|released?|journal|conference|venue|proceedings|"
    r"doi|arxiv|pmid|latest|newest|most recent|recent|oldest|earliest|new|papers?|articles?|stud(?:y|ies)|publications?|"
    r"abstracts?|preprints?|research|work|works|by|et al|key ?words?|what did|url|link|years?|when|doi|list|how many)|(?:1[5-9]|20)\d\d"
    r"|谁|作者|写|撰|著|发表|出版|刊|期刊|杂志|年|最新|最近|最早|论文|文章|文献|摘要|研究|关键词|链接|DOI",
    re.IGNORECASE,
)  # fmt: skip
# Words that point to an earlier turn: what they mean is not in the question.
_POINTS_BACK = re.compile(
    r"(?i)\b(?:it|its|they|their|them|these|those|him|his|her|he|she|this (?:paper|article|study|one)|that (?:paper|article|study|one))\b"
    r"|它|[他她]们?|这[些篇]|那些|上述|该(?:文|论文|研究)",
)  # fmt: skip
# Chinese has no plural.
_ONE = re.compile("哪一?篇|那篇|一篇|哪项")
_SEVERAL = re.compile("哪些|些|所有|全部|分别|各|都")
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
    if values.works is None and _POINTS_BACK.search(values.text):
        return None
    for kind, shape in SHAPES:
        if (match := shape.fullmatch(values.text)) and (
            read := _read(match, kind, values, detect_language(question), library)
        ):
            return read
    return None


def _read(
    match: re.Match[str], kind: str, values: Values, language: Language, library: Library
) -> FieldQuestion | None:
    parts = match.groupdict()
    topic = (parts.get("topic") or "").strip(" ,，、的")
    rest = f"{parts['head']} {parts.get('tail') or ''}"
    if topic == QUOTED:
        topic = values.quoted or ""
    elif NO_TOPIC.search(topic) or any(mark in topic for mark in (AUTHOR, YEARS, VENUE, TITLE, QUOTED)):
        return None
    words = classes(rest)
    if not _holds_all(values, rest):
        return None
    asked = _asked(words, bool(topic), values)
    if asked is None or (kind == "title" and not _may_name(topic, asked)):
        return None
    if kind in ("title", "before") and (classes(topic) & {"wrote", "issued"} or _ARTICLE.search(topic)):
        return None
    known = all(library.authors.knows(name) for name in values.authors)
    if not known and not _is_author(values, words, kind):
        return None
    if kind not in ("marked", "quoted") and topic and not words & {"papers", "paper"} and asked == "list":
        return None
    years = values.years
    plural = words & {"papers"} or "number" in words
    return FieldQuestion(
        language, asked, values.authors, values.any_author, years, values.venue, values.works, topic or None,
        as_title=kind == "title" or (bool(topic) and not words & {"papers", "paper"} and not words & _SLOTS and not words & {"latest", "oldest"}),
        written="zh" if "written_zh" in words else "en" if "written_en" in words else None,
        sure=kind in ("none", "marked", "quoted"),
        one=_speaks_of_one(values.text, asked, bool(plural), language),
        order="newest" if "latest" in words else "oldest" if "oldest" in words else None,
        most="most" in words,
        limit=int(max(number_values(rest), default=0)) or None if "number" in words else None,
    )  # fmt: skip


def _speaks_of_one(text: str, asked: Asked, plural: bool, language: Language) -> bool:
    if language == "en":
        return not plural
    return bool(_ONE.search(text)) or (asked != "list" and not _SEVERAL.search(text))


def _may_name(topic: str, asked: Asked) -> bool:
    """Return whether words that nothing announces may be a title, of which a field is asked."""
    return len(analyze(topic)) > 1 and asked not in ("list", "count") and not asked.startswith("by")


def _is_author(values: Values, words: set[str], kind: str) -> bool:
    """Return whether an unknown author is said to have written something, and nothing more is asked."""
    verb = re.search(rf"{AUTHOR} (?:study|work|research)\b", values.text)
    wrote = words & {"wrote", "issued", "papers"} or ("paper" in words and not verb)
    return bool(wrote) and "when" not in words and kind in ("none", "marked", "quoted")


def _holds_all(values: Values, rest: str) -> bool:
    """Return whether every value stands outside the topic, where it was read as what it is."""
    marks = (
        (AUTHOR, values.authors),
        (YEARS, values.years),
        (VENUE, values.venue),
        (TITLE, values.works is not None),
    )
    return all(mark in rest for mark, there in marks if there)


def _asked(words: set[str], about: bool, values: Values) -> Asked | None:
    """Return what the classes of the words ask; None where they ask nothing of fields."""
    named = about or values.works is not None
    target = named or bool(words & (_SLOTS | {"latest", "oldest", "paper"}))
    for identifier in _IDENTIFIERS:
        if identifier in words:
            return (
                identifier
                if target
                and words & {"which", "show", "papers", "paper", "title_slot", "verb", "have", "filler"}
                else None
            )
    if "per" in words or ("most" in words and words & {"author", "who", "when", "venue"}):
        return _grouped(words)
    if grouped := _asked_groups(words, target):
        return grouped
    return _asked_of_works(words, target, values)


def _grouped(words: set[str]) -> Asked:
    return "by author" if words & {"who", "author"} else "by venue" if "venue" in words else "by year"


def _asked_groups(words: set[str], target: bool) -> Asked | None:
    """Return by what the whole library is to be counted, as in "Which journals are there?"."""
    if target or not words & {"here", "have", "papers", "show", "many"}:
        return None
    if "author" in words or (words & {"who"} and words & {"here", "have"}):
        return "by author"
    if "venue" in words:
        return "by venue"
    return "by year" if "when" in words else None


def _asked_of_works(words: set[str], target: bool, values: Values) -> Asked | None:
    papers = bool(words & {"papers", "paper", "title_slot"})
    made = bool(words & {"wrote", "issued"})
    if not target:
        return None
    if "who" in words and (made or words & {"author", "works"}):
        return "authors"
    if "who" in words and not words & {"which", "when"} and papers:
        return "authors"
    if "author" in words and "author_slot" not in words:
        return "authors"
    if words & {"latest", "oldest"}:
        return "list"
    if "when" in words and not words & {"who", "many"} and (made or papers):
        return "year"
    if (("where" in words and made) or ("venue" in words and (made or papers))) and "many" not in words:
        return "venue"
    if not words & {"author_slot", "year_slot", "venue_slot"}:
        return None
    if "many" in words:
        return "count" if papers or made or "works" in words else None
    if papers or made or words & {"works", "have"} or ({"author_slot", "year_slot"} <= words):
        return "list"
    return None
