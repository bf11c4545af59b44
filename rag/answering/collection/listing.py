"""An answer about the collection, put together from its lines; each line of a list cites its paper."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from rag.answering.citing.markers import render_sentence
from rag.schema import Citation, Evidence, Filters, Language, Paper, ScoredChunk, Sentence

# Papers in a list; the rest is only counted.
LISTED = 20
# Longest title in a list, in characters.
_ITEM_CHARS: dict[Language, int] = {"en": 160, "zh": 80}


@dataclass(frozen=True, slots=True)
class CollectionAnswer:
    """A finished answer: `text` has one sentence per line, with markers; `contexts` are the listed papers."""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...] = ()
    contexts: tuple[ScoredChunk, ...] = ()


def title_of(paper: Paper, start: int, end: int) -> str:
    """Return the title, else the sentence `paper.text[start:end]`, cut to the length of a line."""
    line, limit = " ".join((paper.title or paper.text[start:end]).split()), _ITEM_CHARS[paper.language]
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def listed(line: str, *cited: Citation) -> Sentence:
    """Return a line of a list, with the quoted passages as its evidence."""
    evidence = tuple(Evidence(each.number, each.start, each.end, each.quote) for each in cited)
    return Sentence(line, tuple(each.number for each in cited), "supported", 1.0, evidence)


def put_together(
    head: Sequence[str],
    items: Sequence[Sentence] = (),
    citations: Sequence[Citation] = (),
    contexts: tuple[ScoredChunk, ...] = (),
    more: str = "",
    then: Sequence[Sentence] = (),
) -> CollectionAnswer:
    """Return the answer of some sentences, a list, and what is said after it; several items get bullets.

    `then` is a second list, whose first sentence is its head.
    """
    tail = [Sentence(more, (), "supported", 1.0)] if more else []
    sentences = (*(Sentence(line, (), "supported", 1.0) for line in head), *items, *tail, *then)
    several = len(items) > 1 or len(then) > 2
    listed = {*items, *then[1:]} if several else set()
    bullets = ["• " if sentence in listed else "" for sentence in sentences]
    lines = [bullet + render_sentence(sentence) for bullet, sentence in zip(bullets, sentences, strict=True)]
    return CollectionAnswer("\n".join(lines), sentences, tuple(citations), contexts)


def passes(paper: Paper, filters: Filters, files: Container[str]) -> bool:
    """Return whether a paper passes the filters; `files` are the names that `filters.sources` select.

    Authors, venues and keywords have to be told as ids before (`rag.browsing.shelf.narrow`).
    """
    if filters.papers and paper.paper_id not in filters.papers:
        return False
    first, last, year = filters.year_from, filters.year_to, paper.year
    if first is not None and (year is None or year < first):
        return False
    if last is not None and (year is None or year > last):
        return False
    in_files = not filters.sources or any(source.file in files for source in paper.sources)
    return in_files and filters.language in (None, paper.language)
