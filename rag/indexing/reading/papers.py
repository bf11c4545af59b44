"""Turn the fields of one record into a Paper, or into two where it has an abstract in each language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rag.indexing.reading.bilingual import parted, title_in, without_heading
from rag.indexing.reading.fields import known_fields
from rag.indexing.reading.record import Fields, Raw, Unread
from rag.indexing.reading.values import address_of, keywords_of, names_of, one_line, text_of, year_of
from rag.schema import Paper, Problem, Source
from rag.text.cleaning import clean_text, paper_id
from rag.text.encoding import is_undecodable
from rag.text.identifiers import normalise_arxiv, normalise_doi, normalise_pmid
from rag.text.language import detect_language

#: Characters of an abstract; a longer text is no abstract. See docs/decisions.md#record-sizes
MOST_TEXT = 100_000
_MOST_RAW = 3 * MOST_TEXT  # the same with its markup

# What services write where there is no abstract.
_NO_ABSTRACT = re.compile(
    r"\W*(?:no abstract(?: (?:is )?(?:available|provided|found))?|"
    r"abstract (?:is )?not (?:available|provided)|not available|n/?a|none|null|nan|"
    r"(?:暂无|无|没有)(?:中文|英文)?(?:摘要)?)\W*",
    re.IGNORECASE,
)
_TEXT_NAMES = ("abstract", "abstract_zh", "abstract_en")
# "arXiv preprint arXiv:2510.00837", "arXiv e-prints", "ArXiv.org".
_ARXIV = re.compile(r"arxiv\b", re.IGNORECASE)
_FULL_STOP = re.compile(r"([^\W_]{3}|[)\]\d])\.$")
_IN_BRACKETS = re.compile(r"\[[^\[\]]+\]")
_MARK_OF_CNKI = re.compile(r"[〈<＜]正[〉>＞]\s*")  # before abstracts that CNKI took from the text itself
# Other addresses may hold the DOI of a database's own record or of the book.
_RESOLVER = re.compile(r"^https?://(?:[\w-]+\.)*doi[.-]org", re.IGNORECASE)
_NOT_DECODED = "not valid UTF-8, GB18030, Big5 or Windows-1252; save the file as UTF-8"


def papers_of(raw: Raw, file: str, mapping: Mapping[str, str] | None = None) -> Iterator[Paper | Problem]:
    """Yield the Paper of a record, a second one if it has an abstract in both languages, or a Problem."""
    if isinstance(raw, Unread):
        yield Problem(file, raw.position, raw.reason)
        return
    fields, source = known_fields(raw.fields, mapping), Source(file, raw.position)
    texts, keywords = _texts(fields)
    if reason := _fault(texts, fields):
        yield Problem(file, raw.position, reason)
        return
    papers = [paper_of(fields, text, source, keywords) for text in texts]
    if len(papers) > 1:
        papers = [replace(paper, work_id=papers[0].paper_id) for paper in papers]
    yield from papers
    if fields.get("authors") and not papers[0].authors:
        yield Problem(file, raw.position, "its authors, in a form that is not read; the abstract is kept")


def paper_of(fields: Fields, text: str, source: Source, keywords: str = "") -> Paper:
    """Return the Paper of cleaned `text` with the known fields of its record."""
    language = detect_language(text)
    title = one_line(fields.get(f"title_{language}")) or one_line(fields.get("title"))
    title = title or one_line(fields.get("title_zh")) or one_line(fields.get("title_en"))
    url, doi = address_of(fields.get("url")), normalise_doi(text_of(fields.get("doi")))
    return Paper(
        paper_id=paper_id(text),
        text=text,
        language=language,
        sources=(source,),
        title=_bare_title(title_in(title, language)),
        authors=names_of(fields.get("authors")),
        year=year_of(fields.get("year")),
        doi=doi or (normalise_doi(url) if url and _RESOLVER.search(url) else None),
        url=url,
        venue=_venue(fields),
        keywords=keywords_of(fields.get("keywords") or keywords),
        arxiv_id=_arxiv(fields, url, doi),
        pmid=normalise_pmid(text_of(fields.get("pmid"))) or _pmid_in(url),
    )


def _bare_title(title: str | None) -> str | None:
    """Return a title without its full stop, and without PubMed's brackets around a translated one."""
    title = _FULL_STOP.sub(r"\1", title or "")
    return (title[1:-1] if _IN_BRACKETS.fullmatch(title) else title) or None


def _venue(fields: Fields) -> str | None:
    """Return the venue; "arXiv preprint arXiv:2510.00837" is one for every paper, so it becomes "arXiv"."""
    venue = one_line(fields.get("venue"))
    return "arXiv" if venue and _ARXIV.match(venue) else venue


def _arxiv(fields: Fields, url: str | None, doi: str | None) -> str | None:
    own, number, venue = (text_of(fields.get(name)) for name in ("arxiv_id", "id", "venue"))
    texts = (own, url, doi, number, venue)
    return next((found for text in texts if text and (found := normalise_arxiv(text))), None)


def _pmid_in(url: str | None) -> str | None:
    return normalise_pmid(url) if url and "pubmed" in url else None


def _texts(fields: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the cleaned abstracts, one of each language at most, and keywords that stood among them."""
    found: dict[str, str] = {}
    keywords = ""
    for name in _TEXT_NAMES:
        raw = _joined(fields.get(name))
        parts, words = parted(raw) if len(raw) <= _MOST_RAW else ((raw,), "")
        keywords = keywords or words
        for part in parts:
            text = clean_text(part) if len(part) <= _MOST_RAW else part
            text = _MARK_OF_CNKI.sub("", text) if _MARK_OF_CNKI.match(text) else text
            if text and not _NO_ABSTRACT.fullmatch(text):
                found.setdefault(detect_language(text), text)
    texts = list(found.values())
    return [without_heading(text) for text in texts] if len(texts) > 1 else texts, keywords


def _joined(value: object) -> str:
    """Return an abstract as text; an object by language gives its texts one after the other."""
    if isinstance(value, Mapping) and set(value) <= {"en", "zh", "zh-CN", "zh_CN", "cn", "eng", "chi"}:
        return "\n".join(text_of(text) for text in value.values())
    return "" if isinstance(value, int | float) else text_of(value)


def _fault(texts: list[str], fields: Mapping[str, Any]) -> str | None:
    if any(is_undecodable(text_of(fields.get(name))) for name in _TEXT_NAMES):
        return _NOT_DECODED
    if not texts:
        return "no abstract"
    if not all(any(char.isalnum() for char in text) for text in texts):
        return "no words in the abstract"
    if any(len(text) > MOST_TEXT for text in texts):
        return f"longer than {MOST_TEXT:,} characters, which is no abstract; give one abstract a record"
    return None
