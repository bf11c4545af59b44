"""Read what PubMed saves as "Abstract (text)": numbered records of paragraphs without tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread

_CITATION = re.compile(r"(\d{1,6})\. (\S.*)")
_FIRST = re.compile(r"\s*1\. \S.*?\b(?:1[89]|20)\d\d\b", re.DOTALL)
_MARKS = re.compile(r"^(?:PMID: \d+|Author information:|PMCID: )", re.MULTILINE)
_NOT_TEXT = re.compile(
    r"(?:Author information:|Collaborators:|Comment (?:in|on)|Erratum in|Update (?:in|of)|Republished|"
    r"Copyright|©|DOI:|PMCID:|PMID:|Conflict of interest|Published by|Retraction|"
    r"Plain Language Summary|Summary for patients)",
    re.IGNORECASE,
)
_VENUE = re.compile(r"([^.]+)\.")
_MARK_OF_ADDRESS = re.compile(r"\(\d+\)(?:\(\d+\))*")
_ORIGINAL = re.compile(r"\[Article in [^\]]*\]\.?", re.IGNORECASE)


def is_pubmed_text(head: str) -> bool:
    """Return whether a file that begins with `head` is PubMed's format "Abstract (text)"."""
    return _FIRST.match(head) is not None and _MARKS.search(head) is not None


def read_pubmed_text(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the records of the file, each from one numbered citation to the next."""
    paragraphs: list[str] = []
    position = 0
    for paragraph in _paragraphs(lines):
        found = _CITATION.match(paragraph)
        if found and int(found[1]) == position + 1:
            if position:
                yield _record(paragraphs, position)
            position, paragraphs = position + 1, [found[2]]
        elif sum(map(len, paragraphs)) <= MOST_RECORD:
            paragraphs.append(paragraph)
    if position:
        yield _record(paragraphs, position)


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    held: list[str] = []
    for line in lines:
        if line.strip():
            held.append(line.strip())
        elif held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def _record(paragraphs: list[str], position: int) -> Raw:
    """Return the record: citation, title, authors and addresses, then the abstract, then identifiers."""
    citation, *rest = paragraphs
    tail = next((text for text in rest if re.match(r"(?:DOI|PMCID|PMID): ", text)), "")
    before = rest[: rest.index(tail)] if tail else rest
    if not before or _ORIGINAL.fullmatch(before[0]):
        return Unread(position, "no title")
    title, *others = (text for text in before if not _ORIGINAL.fullmatch(text))
    texts = [text for text in others if not _NOT_TEXT.match(text)]
    authors = ""
    if texts and (others[0] == texts[0]) and _are_authors(texts[0]):
        authors, texts = texts[0], texts[1:]
    venue = _VENUE.match(citation)
    return Record(
        position,
        {
            "abstract": "\n".join(texts),
            "title": title.replace("\n", " "),
            "authors": _MARK_OF_ADDRESS.sub("", authors.replace("\n", " ")).rstrip("."),
            "venue": venue[1] if venue else "",
            "year": citation,
            "doi": f"{tail} {citation}",
            "pmid": next(iter(re.findall(r"PMID: (\d+)", tail)), ""),
        },
    )


def _are_authors(text: str) -> bool:
    """Return whether a paragraph lists names in PubMed's way: "Doe J(1), Roe RS(2)."."""
    names = _MARK_OF_ADDRESS.sub("", text.replace("\n", " ")).rstrip(".").split(",")
    short = sum(
        re.fullmatch(r"\s*[^\W\d_][\w'’ -]{0,40}?(?: [A-Z]{1,4}(?: (?:Jr|Sr|2nd|3rd))?)?;?\s*", n) is not None
        for n in names
    )
    return short >= len(names) - 1 and all(len(name.split()) <= 6 for name in names)
