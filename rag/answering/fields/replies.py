"""Sentences about the fields of papers, in both languages; strings, and how conditions are put into words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.answering.collection.replies import NAMES, format_message
from rag.answering.fields.question import Asked, FieldQuestion
from rag.answering.fields.work import Work
from rag.answering.fields.years import FIRST_YEAR, LAST_YEAR, Span
from rag.schema import Language

Texts = dict[str, dict[Language, str]]

# `{what}` puts the conditions into words; the rest is explained at `format_message`.
FIELD_TEXTS: Texts = {
    "list": {"en": "{n:,} paper{s}{what}:", "zh": "{what}论文有{n}篇："},
    "newest": {"en": "The latest paper{s}{what}:", "zh": "{what}最新的论文："},
    "oldest": {"en": "The oldest paper{s}{what}:", "zh": "{what}最早的论文："},
    "none": {"en": "No paper{what} is in this collection.", "zh": "没有收录{what}论文。"},
    "untitled": {"en": "No paper of that identifier is here.", "zh": "没有收录这个编号的论文。"},
    "no such author": {
        "en": "No author named {name} is in the records.",
        "zh": "所有记录中都没有名为{name}的作者。",
    },
    "no such venue": {
        "en": "No journal or conference named {name} is in the records.",
        "zh": "所有记录中都没有名为“{name}”的期刊或会议。",
    },
    "near": {"en": "Similar names here: {names}.", "zh": "相近的名字有：{names}。"},
    "never": {"en": "None of these abstracts records {field}.", "zh": "所有摘要的记录中都没有{field}。"},
    "several": {"en": "“{title}”: {value}.", "zh": "“{title}”：{value}。"},
    "unknown": {"en": "The record of “{title}” has no {field}.", "zh": "“{title}”的记录中没有{field}。"},
    "undated": {
        "en": "{n:,} other record{s} {have} no year, so it is not known whether {they} belong{es} here.",
        "zh": "另有{n}条记录没有年份，无法判断是否属于此列。",
    },
    "authors": {"en": "“{title}” was written by {value}.", "zh": "“{title}”的作者是{value}。"},
    "year": {"en": "“{title}” was published in {value}.", "zh": "“{title}”发表于{value}年。"},
    "venue": {"en": "“{title}” appeared in {value}.", "zh": "“{title}”发表在《{value}》。"},
    "doi": {"en": "The DOI of “{title}” is {value}.", "zh": "“{title}”的DOI是{value}。"},
    "arxiv": {"en": "The arXiv identifier of “{title}” is {value}.", "zh": "“{title}”的arXiv编号是{value}。"},
    "pmid": {"en": "The PMID of “{title}” is {value}.", "zh": "“{title}”的PMID是{value}。"},
    "link": {"en": "“{title}” is at {value}", "zh": "“{title}”的链接：{value}"},
    "keywords": {"en": "The keywords of “{title}” are {value}.", "zh": "“{title}”的关键词是{value}。"},
    "by author": {"en": "{n:,} author{s} of papers{what}:", "zh": "{what}论文有{n}位作者："},
    "by year": {"en": "Papers{what} in {n:,} year{s}:", "zh": "{what}论文分布在{n}个年份："},
    "by venue": {"en": "Papers{what} in {n:,} venue{s}:", "zh": "{what}论文来自{n}个期刊或会议："},
    "group": {"en": "{value}: {n:,} paper{s}", "zh": "{value}：{n}篇"},
    "more groups": {"en": "… and {n:,} more.", "zh": "……另有{n}个。"},
}  # fmt: skip

FIELD_NAMES: Texts = {
    "authors": {"en": "author", "zh": "作者"},
    "year": {"en": "year", "zh": "年份"},
    "venue": {"en": "journal or conference", "zh": "期刊或会议"},
    "doi": {"en": "DOI", "zh": "DOI"},
    "arxiv": {"en": "arXiv identifier", "zh": "arXiv编号"},
    "pmid": {"en": "PMID", "zh": "PMID"},
    "link": {"en": "link", "zh": "链接"},
    "keywords": {"en": "keyword", "zh": "关键词"},
    "citations": {"en": "number of citations", "zh": "被引次数"},
    "affiliation": {"en": "affiliation or address", "zh": "作者单位和联系方式"},
    "pages": {"en": "volume, issue or page", "zh": "卷、期和页码"},
    "other": {"en": "field for that", "zh": "所问的内容"},
}


# What each question about one field of a paper shows of it; "" where its record lacks it.
FIELD_VALUES: dict[Asked, Callable[[Work, Language], str]] = {
    "authors": lambda work, language: joined(work.authors, language),
    "year": lambda work, _: str(work.year or ""),
    "venue": lambda work, _: work.venue or "",
    "doi": lambda work, _: work.first(lambda paper: paper.doi) or "",
    "arxiv": lambda work, _: work.first(lambda paper: paper.arxiv_id) or "",
    "pmid": lambda work, _: work.first(lambda paper: paper.pmid) or "",
    "link": lambda work, _: work.link,
    "keywords": lambda work, language: (", " if language == "en" else "、").join(
        work.first(lambda paper: paper.keywords) or ()
    ),
    # Asked for, but kept of no paper.
    "citations": lambda *_: "",
    "affiliation": lambda *_: "",
    "pages": lambda *_: "",
    "other": lambda *_: "",
}
GROUPED_BY: dict[Asked, Callable[[Work], Sequence[str]]] = {
    "by author": lambda work: work.authors,
    "by year": lambda work: [str(work.year)] if work.year else [],
    "by venue": lambda work: [work.venue] if work.venue else [],
}

_SEMICOLON: dict[Language, str] = {"en": "; ", "zh": "；"}


def with_article(name: str) -> str:
    """Return an English noun with "a" or "an"."""
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def joined(names: Sequence[str], language: Language) -> str:
    """Return the names of authors in a row; a comma in one asks for semicolons between them."""
    if any("," in name for name in names):
        return ("；" if language == "zh" else "; ").join(names)
    if language == "zh":
        return "、".join(names)
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def conditions(question: FieldQuestion, language: Language) -> str:
    """Return the conditions of a question, to be put after "papers" or before 论文."""
    return _english(question) if language == "en" else _chinese(question)


def _english(question: FieldQuestion) -> str:
    parts = []
    if question.authors:
        parts.append("by " + (" or " if question.any_author else " and ").join(question.authors))
    if question.not_authors:
        parts.append("not by " + " or ".join(question.not_authors))
    if question.topic:
        parts.append(f"on “{question.topic}”")
    if question.not_topic:
        parts.append(f"not on “{question.not_topic}”")
    if question.without:
        parts.append(
            "without " + " and ".join(with_article(FIELD_NAMES[name]["en"]) for name in question.without)
        )
    if question.venue:
        parts.append(f"in {question.venue}")
    if question.years:
        parts.append(" or ".join(_english_span(span) for span in question.years))
    if question.written:
        parts.append(f"in {NAMES['en'][question.written]}")
    return "".join(f" {part}" for part in parts)


def _english_span(span: Span) -> str:
    first, last = span
    if first == last:
        return f"from {first}"
    if last == LAST_YEAR:
        return f"since {first}"
    return f"up to {last}" if first == FIRST_YEAR else f"from {first} to {last}"


def _chinese(question: FieldQuestion) -> str:
    parts = []
    if question.years:
        parts.append("或".join(_chinese_span(span) for span in question.years))
    if question.authors:
        parts.append(("或" if question.any_author else "、").join(question.authors))
    if question.venue:
        parts.append(f"《{question.venue}》上")
    if question.topic:
        parts.append(f"关于“{question.topic}”")
    if question.not_authors:
        parts.append(f"不含{'、'.join(question.not_authors)}")
    if question.not_topic:
        parts.append(f"与“{question.not_topic}”无关")
    if question.without:
        parts.append(f"没有{'、'.join(FIELD_NAMES[name]['zh'] for name in question.without)}")
    if question.written:
        parts.append(NAMES["zh"][question.written])
    return "".join(f"{part}的" for part in parts)


def _chinese_span(span: Span) -> str:
    first, last = span
    if first == last:
        return f"{first}年"
    if last == LAST_YEAR:
        return f"{first}年以来"
    return f"{last}年及以前" if first == FIRST_YEAR else f"{first}至{last}年"


def several_fields(question: FieldQuestion, work: Work, title: str) -> str:
    """Return a line with all fields of a work that are asked for, as far as they are known."""
    language = question.language
    values = []
    for field in (question.asked, *question.also):
        name = FIELD_NAMES[field][language]
        value = FIELD_VALUES[field](work, language)
        unknown = f"no {name} recorded" if language == "en" else f"{name}未记录"
        values.append(f"{name}{': ' if language == 'en' else '：'}{value}" if value else unknown)
    return format_message(
        "several", language, FIELD_TEXTS, title=title, value=_SEMICOLON[language].join(values)
    )


def byline(work: Work, language: Language, without: Asked | None = None) -> str:
    """Return authors, venue and year in brackets, as far as they are known; `without` one of them."""
    names = list(work.authors[:3])
    if len(work.authors) > 3:
        names = [f"{names[0]} et al." if language == "en" else f"{names[0]}等"]
    fields = {"authors": joined(names, language), "venue": work.venue or "", "year": str(work.year or "")}
    parts = [text for field, text in fields.items() if field != without]
    row = ("; " if language == "en" else "；").join(filter(None, parts))
    return (f" ({row})" if language == "en" else f"（{row}）") if row else ""
