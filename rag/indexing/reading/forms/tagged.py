"""Read files of tagged lines: RIS, MEDLINE, Web of Science, EndNote, RefWorks, CNKI's forms, labelled text.

One reader serves all, with a row of a table for each. Why not a library for each: docs/decisions.md#parsers
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.indexing.reading.fields import known_name
from rag.indexing.reading.forms.tags import DIALECTS, Dialect
from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread

_SEVERAL = frozenset({"authors", "keywords"})
_FIRST_LINES = 60  # lines with words in which a file must show its tags
_NAME_LINE = re.compile(r"([A-Za-z_\u4e00-\u9fff][\w -]{0,30}):(?:\s+(.*))?$")
_ITEM = re.compile(r"\s*-\s+(.*)")


@dataclass(slots=True)
class _Draft:
    """A record while it is read: the lines of each value of each tag, in the order of the file."""

    position: int
    values: dict[str, list[list[str]]] = field(default_factory=dict)
    last: str = ""
    size: int = 0

    def add(self, tag: str, value: str) -> None:
        self.last = tag
        self.size += len(value)
        if self.size <= MOST_RECORD:
            self.values.setdefault(tag, []).append([value])

    def extend(self, line: str, *, one_more: bool) -> None:
        self.size += len(line)
        if self.size <= MOST_RECORD and one_more:
            self.values[self.last].append([line])
        elif self.size <= MOST_RECORD:
            self.values[self.last][-1].append(line)


def dialect_of(head: str) -> Dialect | None:
    """Return the dialect that the first lines of a file are written in, or None."""
    lines = [line.rstrip() for line in head.lstrip("\ufeff").split("\n") if line.strip()][:_FIRST_LINES]
    return next((dialect for dialect in DIALECTS if lines and _is_written_in(lines, dialect)), None)


def read_tagged(lines: Iterable[str], dialect: Dialect) -> Iterator[Raw]:
    """Yield the records of a tagged file; one that has no end tag ends where the next begins."""
    draft: _Draft | None = None
    count, begin = 0, dialect.begin
    for line in lines:
        tag, value = dialect.split(line.rstrip("\r\n"))
        if tag is None or tag in dialect.outside:
            if draft and tag is None and value.strip():
                draft.extend(value.strip(), one_more=dialect.field_of(draft.last) in dialect.by_line)
            continue
        begin = begin or tag
        if draft and tag in (begin, dialect.end):
            yield _finished(draft, dialect)
            draft = None
        if tag != dialect.end:
            if draft is None:
                count += 1
                draft = _Draft(count)
            draft.add(tag, value.strip())
    if draft:
        yield _finished(draft, dialect)


def labelled(text: str) -> dict[str, object]:
    """Return the known fields of "name: value" lines; a value that "- item" lines go on with is a list."""
    fields: dict[str, object] = {}
    last = ""
    for line in text.split("\n"):
        if found := _NAME_LINE.match(line):
            last = known_name(found[1]) or ""
            value = (found[2] or "").strip()
            if last and value not in ("|", ">", "|-", ">-"):
                items = [part.strip(" '\"") for part in value[1:-1].split(",")]
                fields[last] = items if value[:1] == "[" else value.strip("'\"")
        elif last and (item := _ITEM.match(line)):
            known = fields.get(last)
            fields[last] = [*(known if isinstance(known, list) else []), item[1].strip(" '\"")]
        elif last and line.strip():
            fields[last] = f"{fields.get(last) or ''} {line.strip()}".strip()
    return {name: value for name, value in fields.items() if value}


def _is_written_in(lines: Sequence[str], dialect: Dialect) -> bool:
    tags = [tag for line in lines if (tag := dialect.split(line)[0])]
    known = {name for tag in tags if (name := dialect.field_of(tag))}
    if dialect.begin:
        return dialect.begin in tags and bool(known)
    has_text = any(name.startswith("abstract") for name in known)
    return has_text and len(known) > 1 and dialect.split(lines[0])[0] is not None


def _finished(draft: _Draft, dialect: Dialect) -> Raw:
    if draft.size > MOST_RECORD:
        return Unread(draft.position, f"longer than {MOST_RECORD:,} characters; split it into records")
    by_field: dict[str, list[str]] = {}
    for tag in sorted(draft.values, key=dialect.rank):
        if name := dialect.field_of(tag):
            by_field.setdefault(name, []).append(tag)
    fields: dict[str, object] = {}
    for name, tags in by_field.items():
        values = [_filled(draft.values[tag]) for tag in tags]
        values = [found for found in values if found]
        if name in ("doi", "url", "year"):  # the first tags may have none that is one
            fields[name] = "\n".join(value for found in values for value in found)
        elif values:
            fields[name] = _value(name, values[0])
        if name in ("abstract", "title") and len(values) > 1:
            fields.setdefault(f"{name}_en", _value(name, values[1]))
    return Record(draft.position, fields)


def _filled(values: list[list[str]]) -> list[str]:
    return [text for lines in values if (text := "\n".join(lines).strip())]


def _value(name: str, values: list[str]) -> object:
    if name in _SEVERAL and len(values) > 1:
        return values
    return values[0] if name in ("title", "venue") else "\n".join(values)
