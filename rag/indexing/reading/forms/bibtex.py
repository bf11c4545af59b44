"""Read BibTeX and BibLaTeX with bibtexparser, one entry at a time."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread

if TYPE_CHECKING:
    from bibtexparser.model import Field

_ENTRY = re.compile(r"[ \t]*@[ \t]*([A-Za-z]+)[ \t]*[{(]")
_NO_RECORD = frozenset({"comment", "preamble"})
_FIRST = re.compile(
    r"^[ \t]*@[ \t]*(?:article|book|booklet|collection|comment|conference|dataset|"
    r"in(?:book|collection|proceedings)|manual|(?:master|phd)s?thesis|thesis|misc|online|patent|periodical|preamble|proceedings|report|string|"
    r"techreport|unpublished|software|electronic|www)[ \t]*[{(]",
    re.IGNORECASE | re.MULTILINE,
)
_MACRO = re.compile(r"@string", re.IGNORECASE)
_MOST_MACROS = 1 << 16  # characters of @string definitions that are kept
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_PROTECTED = re.compile(r"(?<![\\\w^_}$])\{([^{}$\\]*)\}")
_PROTECTED_FORMULA = re.compile(r"(?<![\\\w^_}$])\{(\$(?:[^$\\]|\\.)*\$)\}")


def is_bibtex(head: str) -> bool:
    """Return whether a file that begins with `head` is BibTeX."""
    return _FIRST.search(head) is not None


def read_bibtex(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the entries of a BibTeX file; a broken one ends where a line begins the next."""
    logging.getLogger("bibtexparser").addHandler(logging.NullHandler())
    macros, position = "", 0
    for entry in _entries(lines):
        kind = _ENTRY.match(entry)
        name = kind[1].lower() if kind else ""
        if name == "string" and len(macros) < _MOST_MACROS:
            macros += entry
        elif name and name not in _NO_RECORD | {"string"}:
            position += 1
            yield _parsed(entry, macros, position)


def _entries(lines: Iterable[str]) -> Iterator[str]:
    """Yield the text from each line that begins an entry to the next one."""
    held: list[str] = []
    size = 0
    for line in lines:
        if _ENTRY.match(line):
            yield "".join(held)
            held, size = [], 0
        size += len(line)
        if size <= MOST_RECORD or not held:
            held.append(line)
    yield "".join(held)


def _parsed(entry: str, macros: str, position: int) -> Raw:
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.exceptions import ParserStateException
    from bibtexparser.middlewares import RemoveEnclosingMiddleware, ResolveStringReferencesMiddleware

    stack = [ResolveStringReferencesMiddleware(), RemoveEnclosingMiddleware()]
    try:
        library = parse_string(macros + entry, parse_stack=stack)
    except (ParserStateException, RecursionError):
        return Unread(position, "malformed BibTeX")
    if library.entries:
        return Record(position, _fields(library.entries[0].fields))
    for block in library.failed_blocks:
        if fields := getattr(getattr(block, "ignore_error_block", None), "fields", None):
            return Record(position, _fields(fields))
    return Unread(position, "malformed BibTeX: a brace or a comma is missing")


def _fields(items: Sequence[Field]) -> dict[str, object]:
    found: dict[str, object] = {item.key.lower(): _text(str(item.value)) for item in reversed(items)}
    names = _AND.split(str(found.get("author") or ""))
    return found | {"author": [name for name in names if name != "others"]}


def _text(value: str) -> str:
    """Return a value without the braces that protect capitals; those of commands and formulas stay."""
    while (bare := _PROTECTED.sub(r"\1", value)) != value:
        value = bare
    return _PROTECTED_FORMULA.sub(r"\1", value)
