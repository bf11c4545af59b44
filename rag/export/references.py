"""What every format of references says of a paper: its kind, its key, its names and its identifiers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.export.names import Name, name_of
from rag.schema import Paper
from rag.text.language import detect_language

Kind = Literal["journal", "conference", "preprint", "other"]

_CONFERENCE = re.compile(
    r"\b(?:proc(?:eedings|\.)|conference|symposium|workshop|congress)|会议|研讨会|年会|大会", re.IGNORECASE
)
_PREPRINT = re.compile(r"\b(?:arxiv|biorxiv|medrxiv|chemrxiv|ssrn|chinaxiv|preprints?)\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]{4,}")
_NO_KEY = re.compile(r"[^a-z0-9]+")
_HEADING_CHARS = {"en": 100, "zh": 44}  # of a text without a title; a Han character is twice as wide
_KEY_DIGITS = 8  # hexadecimal, of the paper's id; all 16 where two papers would share a key
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper as a bibliography lists it; texts are one line, and "" is what is not known."""

    key: str
    kind: Kind
    paper: Paper
    names: tuple[Name, ...]
    title: str
    venue: str
    abstract: str
    url: str

    @property
    def doi(self) -> str:
        """Return the DOI, without a resolver."""
        return one_line(self.paper.doi)

    @property
    def keywords(self) -> list[str]:
        """Return the keywords, each on one line."""
        return [word for word in map(one_line, self.paper.keywords) if word]

    @property
    def language(self) -> str:
        """Return the English name of the paper's language."""
        return {"en": "English", "zh": "Chinese"}[self.paper.language]


def references(papers: Iterable[Paper]) -> list[Reference]:
    """Return one reference for each paper, in order, under keys that are unique and the same every time."""
    papers = list({paper.paper_id: paper for paper in papers}.values())
    keys = [_key(paper, _KEY_DIGITS) for paper in papers]
    count = Counter(keys)
    return [
        _reference(paper, key if count[key] == 1 else _key(paper, None))
        for paper, key in zip(papers, keys, strict=True)
    ]


def one_line(text: str | None) -> str:
    """Return `text` on one line, without what no file can hold."""
    return " ".join(_UNREADABLE.sub(" ", text or "").split())


def heading(title: str | None, text: str) -> str:
    """Return the title, or the first words of the text where a record has none; never half a word."""
    line = one_line(title) or one_line(text)
    limit = _HEADING_CHARS[detect_language(line)]
    if title or len(line) <= limit:
        return line
    cut = line[:limit]
    if line[limit].isascii() and " " in cut[limit // 2 :]:
        cut = cut.rsplit(" ", 1)[0]
    return cut.rstrip(" ,.;:，。；：、") + "…"


def _reference(paper: Paper, key: str) -> Reference:
    return Reference(
        key,
        _kind(paper),
        paper,
        tuple(name_of(name) for name in map(one_line, paper.authors) if name),
        heading(paper.title, paper.text),
        one_line(paper.venue),
        one_line(paper.text),
        _url(paper),
    )


def _kind(paper: Paper) -> Kind:
    venue = paper.venue or ""
    if _PREPRINT.search(venue) or (paper.arxiv_id and not venue):
        return "preprint"
    if _CONFERENCE.search(venue):
        return "conference"
    return "journal" if venue else "other"


def _url(paper: Paper) -> str:
    url = one_line(paper.url)
    if url.startswith(("http://", "https://")) and " " not in url:
        return url
    return f"https://arxiv.org/abs/{paper.arxiv_id}" if paper.arxiv_id else ""


def _key(paper: Paper, digits: int | None) -> str:
    """Return a key such as "doe2021lamps-0a1b2c3d", of ASCII letters only, as BibTeX wants them."""
    names: Sequence[str] = [name_of(name).family for name in paper.authors[:1]]
    family = _NO_KEY.sub("", _ascii("".join(names)))
    word = _WORD.search(_ascii(paper.title or ""))
    stem = f"{family or 'paper'}{paper.year or ''}{word[0] if word else ''}"
    return f"{stem}-{paper.paper_id[:digits]}"


def _ascii(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore")
    return folded.decode("ascii").lower()
