"""Read Markdown with markdown-it: a heading is the title of the text below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rag.indexing.reading.fields import known_name
from rag.indexing.reading.forms.plain_text import Draft
from rag.indexing.reading.forms.sections import are_names, section_of
from rag.indexing.reading.forms.tagged import labelled
from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread

if TYPE_CHECKING:
    from markdown_it.token import Token

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE)
_UNDERLINED = re.compile(r"^\S.*\n(?:={3,}|-{3,})[ \t]*$", re.MULTILINE)
_FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(?:.*\n){1,200}?(?:---|\.\.\.)[ \t]*\r?\n")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)")
_NO_TITLE = re.compile(
    r"\W*(?:abstract|summary|摘\s*要|(?:chinese|english|中文|英文)\s*(?:abstract|摘要))\W*", re.IGNORECASE
)
_ASIDE = re.compile(
    r"\W*(?:references|bibliography|acknowledge?ments?|key ?words|参考文献|致谢|关键词|contents|目录)\W*",
    re.IGNORECASE,
)


def is_markdown(head: str, suffix: str) -> bool:
    """Return whether a file that begins with `head` is Markdown: by its name, a heading or front matter."""
    if suffix in (".md", ".markdown", ".mdown"):
        return True
    start = head.lstrip("\ufeff\n\r ")
    return _HEADING.match(start) is not None or _FRONT.match(start) is not None


def read_markdown(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield a record for each heading with text below it; text without a heading as in plain text."""
    position, front = 0, dict[str, Any]()
    for number, section in enumerate(_sections(lines)):
        if number == 0 and (found := _FRONT.match(section)):
            front = _front_fields(found[0])
            section = section[found.end() :]
            if any(name.startswith("abstract") for name in front):
                position += 1
                yield Record(position, front)
                front = {}
        if len(section) > MOST_RECORD:
            position += 1
            yield Unread(position, f"longer than {MOST_RECORD:,} characters without a heading")
            continue
        for fields in _records(section):
            position += 1
            yield Record(position, front | fields)
            front = {}


def _sections(lines: Iterable[str]) -> Iterator[str]:
    """Yield the text from each heading that is a title to the next one; headings of sections stay inside."""
    held: list[str] = []
    fenced, size = False, 0
    for line in lines:
        fenced ^= _FENCE.match(line) is not None
        title = line.strip().strip("#").strip()
        begins = not fenced and _HEADING.match(line) and not _is_within(title)
        if begins and any(text.strip() for text in held) and not _is_front(held):
            yield "".join(held)
            held, size = [], 0
        size += len(line)
        if size <= 2 * MOST_RECORD:
            held.append(line)
    yield "".join(held)


def _is_front(held: list[str]) -> bool:
    return held[0].strip().endswith("---") and sum(line.strip() == "---" for line in held) == 1


def _is_within(title: str) -> bool:
    return bool(_NO_TITLE.fullmatch(title) or _ASIDE.fullmatch(title) or section_of(title))


def _records(section: str) -> Iterator[dict[str, Any]]:
    title, blocks = _blocks(section)
    if title is None:
        from rag.indexing.reading.forms.plain_text import read_paragraphs

        texts = "\n\n".join(text for _, text in blocks)
        yield from (
            dict(raw.fields)
            for raw in read_paragraphs(texts.splitlines(keepends=True))
            if isinstance(raw, Record)
        )
        return
    draft, aside = Draft(title=title), ""
    for heading, text in blocks:
        if heading is not None:
            aside = heading if _ASIDE.fullmatch(heading) else ""
        if aside:
            if known_name(aside) == "keywords":
                draft.keywords = text
            continue
        label = section_of(heading) if heading and not _NO_TITLE.fullmatch(heading) else None
        if not draft.texts and not draft.authors and heading is None and are_names(text):
            draft.authors = text
        elif not draft.texts or not draft.take(text):
            draft.texts.append(f"{heading}: {text}" if label else text)
    if draft.texts:
        yield dict(draft.record(1).fields)


def _blocks(section: str) -> tuple[str | None, list[tuple[str | None, str]]]:
    """Return the title of a section, and its blocks of text with the heading right above each."""
    from markdown_it import MarkdownIt

    title: str | None = None
    heading: str | None = None
    blocks: list[tuple[str | None, str]] = []
    in_heading = False
    for token in MarkdownIt("commonmark").enable("table").parse(section):
        if token.type in ("heading_open", "heading_close"):
            in_heading = token.type == "heading_open"
        elif token.type in ("fence", "code_block"):
            blocks.append((None, token.content))
        elif token.type == "inline":
            text = _plain(token)
            if in_heading and title is None and not blocks and not _is_within(text):
                title = text
            elif in_heading:
                heading = text
            elif text:
                blocks.append((heading, text))
                heading = None
    return title, blocks


def _plain(token: Token) -> str:
    parts = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "image":
            continue
        else:
            parts.append(child.content)
    return "".join(parts).strip()


def _front_fields(front: str) -> dict[str, Any]:
    """Return the known fields of YAML front matter: "name: value" and lists of "- value"."""
    return labelled(front.strip().strip("-."))
