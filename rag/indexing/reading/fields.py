"""The known fields of a record, by the many names that exports give them in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# Names without case, spaces and punctuation, the best first. The two-letter ones are the column names of Web
# of Science; the readers of tagged files translate their tags themselves.
KNOWN: dict[str, str] = {
    "abstract": (
        "abstract abstracttext abstractnote articleabstract paperabstract abstractinvertedindex "
        "ab 摘要 文摘 内容摘要 内容提要 摘要正文 论文摘要 summary 概要 descriptions abs "
        "description"
    ),
    "abstract_en": (
        "abstracten enabstract englishabstract abstractenglish abstracteng abstractinenglish "
        "英文摘要 外文摘要 摘要英文 摘要en"
    ),
    "abstract_zh": (
        "abstractzh zhabstract chineseabstract abstractchinese abstractcn cnabstract abstractzhcn "
        "abstractinchinese 中文摘要 摘要中文 摘要zh"
    ),
    "title": (
        "title titles articletitle papertitle documenttitle primarytitle originaltitle ti 题名 "
        "标题 篇名 题目 论文题目 论文标题 文献题名 文章标题 文章题目 论文题名 displayname "
        "headline name"
    ),
    "title_en": (
        "titleen entitle englishtitle titleenglish titleeng translatedtitle 英文题名 英文标题 "
        "英文篇名 英文题目"
    ),
    "title_zh": (
        "titlezh zhtitle chinesetitle titlechinese titlecn headlinezh 中文题名 中文标题 中文篇名 中文题目"
    ),
    "authors": (
        "authorfullnames af authors author authorsparsed authornames authorlist authorstring "
        "authorships creators creator au 作者 著者 作者姓名 全部作者 论文作者 作者中文名 "
        "contributors byline"
    ),
    "year": (
        "year publicationyear pubyear publishedyear yearpublished py yr 年 年份 出版年 出版年份 "
        "发表年份 发表年度 publicationdate datepublished publisheddate publishdate pubdate "
        "coverdate date issued published firstpublished firstpublicationdate 发表时间 出版时间 "
        "出版日期 发表日期 日期 时间 versions created updatedate"
    ),
    "doi": "doi digitalobjectidentifier doinumber doilink doiurl di elocationid doi号 文献doi",
    "url": (
        "url link urls links fulltextlink fulltexturl absurl href landingpageurl sourceurl ur "
        "链接 网址 原文链接 文献链接 地址"
    ),
    "venue": (
        "venue journal journaltitle journalname publicationtitle sourcetitle publicationname "
        "containertitle primarylocation hostvenue booktitle proceedingstitle conferencename "
        "journalref journalinfo container publicationvenue so source publication conference 期刊 "
        "期刊名称 期刊名 刊名 文献来源 来源 来源期刊 出版物 出处 会议名称 学位授予单位"
    ),
    "keywords": (
        "authorkeywords de keywords keyword keywordlist kw tags manualtags subjects subject "
        "topics 关键词 关键字 中文关键词 主题词 fieldsofstudy s2fieldsofstudy concepts categories"
    ),
    "arxiv_id": "arxivid arxiv eprint arxivnumber id paperid oaiid identifier",
    "pmid": "pmid pubmedid pubmed pm",
}
_NAMED = {alias: (name, rank) for name, row in KNOWN.items() for rank, alias in enumerate(row.split())}
_NO_LETTERS = re.compile(r"[\W_]+")
# Objects that hold identifiers by kind, or a whole record, in the files of some services.
_IDENTIFIERS = frozenset({"externalids", "ids", "identifiers", "articleids"})
_TEXTS = ("abstract", "abstract_en", "abstract_zh")


def known_name(name: str) -> str | None:
    """Return the known field that a column, key or label names, or None."""
    found = _NAMED.get(_plain(name))
    return found[0] if found else None


def known_fields(given: Mapping[str, Any], mapping: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the values of `given` by known field; `mapping` names the path of some of them.

    Of several names of one field, the best that has a value counts. An object within the record that holds
    the abstract ("data", "attributes", …) is read as the record. Paths have dots ("data.summary").
    """
    found = _by_name(given)
    if not any(name in found for name in _TEXTS):
        for value in given.values():
            if isinstance(value, Mapping) and any(name in (inner := _by_name(value)) for name in _TEXTS):
                found |= inner
                break
    for name, path in (mapping or {}).items():
        if (value := value_at(given, path)) is not None:
            found[name] = value
        else:
            found.pop(name, None)
    return found


def value_at(given: object, path: str) -> Any:
    """Return the value at a dotted path of keys and list positions, or None.

    A key that has dots itself is found as it is. A list without a position gives the value of each item.
    """
    if isinstance(given, Mapping):
        if path in given:
            return given[path]
        head, dot, rest = path.partition(".")
        while dot and head not in given and rest:
            more, dot, rest = rest.partition(".")
            head = f"{head}.{more}"
        return value_at(given[head], rest) if head in given and rest else None
    if isinstance(given, list):
        head, _, rest = path.partition(".")
        if head.isdecimal():
            inner = given[int(head)] if int(head) < len(given) else None
            return value_at(inner, rest) if rest else inner
        values = [value for item in given if (value := value_at(item, path)) is not None]
        return values or None
    return None


def _by_name(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for key, value in _with_identifiers(given):
        name, rank = _NAMED.get(_plain(key), (None, 0))
        if name and not _is_empty(value) and rank <= ranks.get(name, rank):
            found[name], ranks[name] = value, rank
    return found


def _with_identifiers(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in given.items():
        if isinstance(value, Mapping) and _plain(key) in _IDENTIFIERS:
            yield from ((str(inner), item) for inner, item in value.items())
        else:
            yield str(key), value


def _is_empty(value: object) -> bool:
    return value is None or value == [] or value == {} or (isinstance(value, str) and not value.strip())


def _plain(name: str) -> str:
    return _NO_LETTERS.sub("", name).casefold()
