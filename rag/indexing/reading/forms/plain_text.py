"""Read plain text: abstracts divided by blank lines or by lines "translated by 谷歌翻译"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rag.indexing.reading.bilingual import heads_abstract, split_keywords, without_heading
from rag.indexing.reading.forms.sections import (
    are_names,
    is_title,
    opens,
    section_of,
    sections_in,
    split_title,
)
from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread
from rag.text.language import detect_language

_SEPARATOR = re.compile(r"[ \t]*translated by[ \t]*谷歌翻译[ \t]*", re.IGNORECASE)
_SEPARATORS = re.compile(rf"^{_SEPARATOR.pattern}\r?$", re.MULTILINE | re.IGNORECASE)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_IDENTIFIER = re.compile(r"\s*(?:doi\b|https?://|PMID\b|arXiv:|10\.\d{4,}/)\S*.{0,120}", re.IGNORECASE)
_TOO_LONG = f"longer than {MOST_RECORD:,} characters without a blank line"


@dataclass(slots=True)
class Draft:
    """A record while its paragraphs are read."""

    title: str | None = None
    authors: str = ""
    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    keywords: str = ""
    identifiers: list[str] = field(default_factory=list)
    other: str = ""

    def take(self, paragraph: str) -> bool:
        """Add a paragraph if it belongs to this record, and return whether it does."""
        if not self.texts:
            return False
        words = split_keywords(paragraph)
        if words[1] and not words[0].strip() and not self.keywords:
            self.keywords = words[1]
        elif _IDENTIFIER.fullmatch(paragraph):
            self.identifiers.append(paragraph)
        elif heads_abstract(paragraph) and self._is_other_language(paragraph):
            self.other = without_heading(paragraph)
        elif self._goes_on(paragraph):
            self.texts.append(paragraph)
        else:
            return False
        return True

    def _is_other_language(self, paragraph: str) -> bool:
        own = detect_language("\n".join(self.texts))
        return not self.other and detect_language(without_heading(paragraph)) != own

    def _goes_on(self, paragraph: str) -> bool:
        """Return whether a paragraph is the next section of this abstract."""
        labels = sections_in(paragraph) if section_of(paragraph) else []
        if not labels or not self.labels or labels[0] in self.labels:
            return False
        if opens(labels[0]) and not all(map(opens, self.labels)):
            return False
        self.labels += labels
        return True

    def record(self, position: int) -> Record:
        """Return the record."""
        fields = {
            "abstract": "\n".join(self.texts),
            "abstract_en": self.other,
            "title": self.title,
            "authors": self.authors,
            "keywords": self.keywords,
            "doi": "\n".join(self.identifiers),
            "url": "\n".join(self.identifiers) if "http" in "".join(self.identifiers) else "",
            "arxiv_id": "\n".join(self.identifiers),
            "pmid": next((text for text in self.identifiers if "pmid" in text.casefold()), ""),
        }
        return Record(position, {name: value for name, value in fields.items() if value})


def has_separators(head: str) -> bool:
    """Return whether lines "translated by 谷歌翻译" divide the abstracts of a file."""
    return _SEPARATORS.search(head) is not None


def read_separated(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield what stands between lines "translated by 谷歌翻译", each one abstract."""
    position = 0
    for part in _parts(lines, at_blank=False):
        if "".join(part).strip():
            position += 1
            yield _whole(part, position)


def read_paragraphs(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the abstracts of a text that blank lines divide.

    A short paragraph or first line without a full stop is the title of the text below it. The sections of a
    structured abstract, the same abstract in another language and keywords belong to one record.
    """
    for position, draft in enumerate(_drafts(_parts(lines, at_blank=True)), 1):
        yield draft.record(position) if isinstance(draft, Draft) else Unread(position, _TOO_LONG)


def _whole(part: list[str], position: int) -> Raw:
    if sum(map(len, part)) > MOST_RECORD:
        return Unread(position, _TOO_LONG)
    return Record(position, {"abstract": "".join(part)})


def _drafts(parts: Iterable[list[str]]) -> Iterator[Draft | None]:
    heads: list[str] = []
    draft: Draft | None = None
    for lines in parts:
        text = "".join(lines).strip()
        if sum(map(len, lines)) > MOST_RECORD:
            yield from [draft] if draft else []
            yield None
            draft = None
            continue
        if not text or (draft and draft.take(text)):
            continue
        if draft:
            yield draft
            draft = None
        if is_title(text) and section_of(text) is None:
            heads.append(text)
            if len(heads) > 2:  # no title and no line of authors any more
                yield Draft(texts=[heads.pop(0)])
            continue
        *before, draft = _begun(heads, lines)
        yield from before
        heads = []
    yield from [draft] if draft else []
    yield from (Draft(texts=[head]) for head in heads)


def _begun(heads: list[str], lines: list[str]) -> list[Draft]:
    """Return the records of short paragraphs above a text that are no part of it, then that of the text."""
    title, body = split_title([line for line in lines if line.strip()])
    draft = Draft(title=title)
    if not title and heads:
        if len(heads) > 1 and are_names(heads[-1]):
            draft.authors = heads.pop()
        draft.title = heads.pop()
    text = "".join(body).strip() if title else "".join(lines).strip()
    draft.labels += sections_in(text) if section_of(text) else []
    draft.texts.append(text)
    return [*(Draft(texts=[head]) for head in heads), draft]


def _parts(lines: Iterable[str], *, at_blank: bool) -> Iterator[list[str]]:
    """Yield the lines between separators, or also between blank lines; of too long a part, its beginning."""
    held: list[str] = []
    size = 0
    for line in lines:
        for bare in _LINE.findall(line.replace("\r\n", "\n").replace("\r", "\n")):
            if _SEPARATOR.fullmatch(bare.rstrip("\n")) or (at_blank and not bare.strip()):
                yield held
                held, size = [], 0
            elif size <= MOST_RECORD:
                held.append(bare)
                size += len(bare)
    yield held
