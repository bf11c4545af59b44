"""Read files of tagged lines: RIS, MEDLINE, Web of Science, EndNote, RefWorks, NoteExpress, CNKI, labelled text.

One reader serves all, with a row of a table for each; why not a library of each: docs/decisions.md#parsers
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.indexing.reading.fields import known_name
from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread

_RIS = {
    **dict.fromkeys(("AB", "N2"), "abstract"),
    **dict.fromkeys(("TI", "T1"), "title"),
    **dict.fromkeys(("AU", "A1"), "authors"),
    **dict.fromkeys(("PY", "Y1", "DA"), "year"),
    **dict.fromkeys(("T2", "JO", "JF", "JA", "BT", "J2"), "venue"),
    **{"DO": "doi", "KW": "keywords", "UR": "url", "L1": "url", "AN": "id", "ID": "id"},
}
_MEDLINE = {
    **{
        "AB": "abstract",
        "OAB": "abstract_zh",
        "TI": "title",
        "BTI": "title",
        "FAU": "authors",
        "AU": "authors",
    },
    **{"DP": "year", "DEP": "year", "JT": "venue", "TA": "venue", "LID": "doi", "AID": "doi", "PMID": "pmid"},
    **{"OT": "keywords", "CN": "authors", "SO": "year"},
}
_WOS = {
    **{
        "AB": "abstract",
        "TI": "title",
        "AF": "authors",
        "AU": "authors",
        "PY": "year",
        "SO": "venue",
        "DI": "doi",
    },
    **{"DE": "keywords", "PM": "pmid", "EA": "year", "CT": "venue"},
}
_REFER = {
    **{
        "%X": "abstract",
        "%T": "title",
        "%A": "authors",
        "%D": "year",
        "%8": "year",
        "%J": "venue",
        "%B": "venue",
    },
    **{"%R": "doi", "%K": "keywords", "%U": "url"},
}
_REFWORKS = {
    **{
        "AB": "abstract",
        "T1": "title",
        "A1": "authors",
        "YR": "year",
        "FD": "year",
        "JF": "venue",
        "JO": "venue",
    },
    **{"DO": "doi", "K1": "keywords", "LK": "url", "UL": "url", "T2": "venue"},
}
_NOTEEXPRESS = {
    **{"Abstract": "abstract", "Title": "title", "Author": "authors", "Year": "year", "Journal": "venue"},
    **{"DOI": "doi", "Keywords": "keywords", "URL": "url", "Date": "year", "Translated Title": "title_en"},
    **{"Translated Abstract": "abstract_en", "Tertiary Title": "venue", "Secondary Title": "venue"},
    **{"Author Address": "", "Publisher": "", "Reference Type": ""},
}
_CNKI = {
    **{
        "Summary": "abstract",
        "Title": "title",
        "Author": "authors",
        "Source": "venue",
        "Keyword": "keywords",
    },
    **{"PubTime": "year", "Year": "year", "DOI": "doi", "URL": "url", "Link": "url"},
    **{"EnglishTitle": "title_en", "EnglishSummary": "abstract_en"},
}
_REFWORKS_TAG = r"(RT|SR|ID|A[1-6D]|T[1-3]|J[FO]|YR|FD|[Vv][Oo]|[Ii][Ss]|O[PL]|SP|K[12]|AB|S[NF]|CN|LA|D[SOB]|LK|NO|ED|P[BP]|U[LR1-5]|AV|RD|C[1-5])"
_LABEL = r"[#*【\[]{0,3}\s*([^\W\d_][^\W_]*(?:[ -]?[^\W_]+){0,2}?)\s*[】\]*]{0,3}\s*[:：]\**[ \t　]*(.*)"
_SEVERAL = frozenset({"authors", "keywords"})
_FIRST_LINES = 60  # lines with words in which a file must show its tags


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one format writes a record.

    `line` takes a line apart into tag and value. `field_of` names the known field of a tag. A record begins with
    the tag `begin`, by default the first tag of the file, and `outside` are the tags between records. Each line
    that continues a field of `by_line` is one more value.
    """

    name: str
    line: re.Pattern[str]
    field_of: Callable[[str], str | None]
    begin: str | None = None
    end: str | None = None
    outside: frozenset[str] = frozenset()
    by_line: frozenset[str] = frozenset()


DIALECTS = (
    Dialect("RIS", re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: (.*)|$)"), _RIS.get, "TY", "ER"),
    Dialect("MEDLINE", re.compile(r"(?=.{4}- )([A-Z]{2,4}) {0,2}- (.*)"), _MEDLINE.get, "PMID"),
    Dialect(
        *("Web of Science", re.compile(r"([A-Z][A-Z0-9])(?: (.*)|$)"), _WOS.get, "PT", "ER"),
        outside=frozenset({"FN", "VR", "EF"}),
        by_line=frozenset({"authors"}),
    ),
    Dialect("EndNote", re.compile(r"(%[0-9A-Z@!#$&+~^>*()\[\]?|])(?: (.*)|$)"), _REFER.get, "%0"),
    Dialect("RefWorks", re.compile(rf"{_REFWORKS_TAG}(?: (.*)|$)"), _REFWORKS.get, "RT"),
    Dialect(
        *(
            "NoteExpress",
            re.compile(r"\{([A-Z][\w /()-]{1,40})\}: ?(.*)"),
            _NOTEEXPRESS.get,
            "Reference Type",
        ),
    ),
    Dialect("CNKI", re.compile(r"([A-Z][A-Za-z]{1,20})-[^\W\d_A-Za-z]{1,8}[:：] ?(.*)"), _CNKI.get),
    Dialect("labelled text", re.compile(_LABEL), known_name),
)


@dataclass(slots=True)
class _Draft:
    """A record while it is read: the values of each tag, in the order of the file, and the last tag."""

    position: int
    values: dict[str, list[str]] = field(default_factory=dict)
    last: str = ""
    size: int = 0

    def add(self, tag: str, value: str) -> None:
        self.values.setdefault(tag, []).append(value)
        self.last = tag
        self.size += len(value)

    def extend(self, line: str, *, one_more: bool) -> None:
        self.size += len(line)
        if self.last and one_more:
            self.values[self.last].append(line)
        elif self.last and self.size <= MOST_RECORD:
            self.values[self.last][-1] += f"\n{line}"


def dialect_of(head: str) -> Dialect | None:
    """Return the dialect that the first lines of a file are written in, or None."""
    lines = [line.rstrip() for line in head.lstrip("\ufeff").split("\n") if line.strip()][:_FIRST_LINES]
    return next((dialect for dialect in DIALECTS if _is_written_in(lines, dialect)), None)


def read_tagged(lines: Iterable[str], dialect: Dialect) -> Iterator[Raw]:
    """Yield the records of a tagged file; one that has no end tag ends where the next begins."""
    draft: _Draft | None = None
    count, begin = 0, dialect.begin
    for line in lines:
        tag, value = _tag(line.rstrip("\r\n"), dialect)
        if tag is None or tag in dialect.outside:
            if draft and tag is None and value.strip():
                one_more = dialect.field_of(draft.last) in dialect.by_line
                draft.extend(value.strip(), one_more=one_more)
            continue
        begin = begin or tag
        if draft and (tag == begin or tag == dialect.end):
            yield _finished(draft, dialect)
            draft = None
        if tag != dialect.end:
            if draft is None:
                count += 1
                draft = _Draft(count)
            draft.add(tag, value.strip())
    if draft:
        yield _finished(draft, dialect)


def _is_written_in(lines: Sequence[str], dialect: Dialect) -> bool:
    tags = [tag for line in lines if (tag := _tag(line, dialect)[0])]
    known = {name for tag in tags if (name := dialect.field_of(tag))}
    if dialect.begin:
        return dialect.begin in tags and bool(known)
    has_text = any(name.startswith("abstract") for name in known)
    return has_text and len(known) > 1 and _tag(lines[0], dialect)[0] is not None


def _tag(line: str, dialect: Dialect) -> tuple[str | None, str]:
    found = dialect.line.match(line)
    if found is None or (dialect.field_of is known_name and known_name(found[1]) is None):
        return None, line
    return found[1], found[2] or ""


def _finished(draft: _Draft, dialect: Dialect) -> Raw:
    if draft.size > MOST_RECORD:
        return Unread(draft.position, f"longer than {MOST_RECORD:,} characters; split it into records")
    fields: dict[str, list[str]] = {}
    for name, tags in _by_field(draft, dialect).items():
        values = [[value for value in draft.values[tag] if value] for tag in tags]
        filled = [found for found in values if found]
        if name in ("doi", "url"):
            fields[name] = [value for found in filled for value in found]
        elif filled:
            fields[name] = filled[0]
        if name in ("abstract", "title") and len(filled) > 1:
            fields.setdefault(f"{name}_en", filled[1])
    return Record(draft.position, {name: _value(name, values) for name, values in fields.items()})


def _by_field(draft: _Draft, dialect: Dialect) -> dict[str, list[str]]:
    """Return the tags of each known field, the best first: in the order of the dialect's table."""
    found: dict[str, list[str]] = {}
    for tag in sorted(draft.values, key=lambda tag: _RANKS.get((dialect.name, tag), 0)):
        if name := dialect.field_of(tag):
            found.setdefault(name, []).append(tag)
    return found


def _value(name: str, values: list[str]) -> object:
    if name in _SEVERAL:
        return values if len(values) > 1 else values[0]
    return values[0] if name in ("title", "year", "venue") else "\n".join(values)


_RANKS = {
    (name, tag): rank
    for name, table in zip(
        ("RIS", "MEDLINE", "Web of Science", "EndNote", "RefWorks", "NoteExpress", "CNKI"),
        (_RIS, _MEDLINE, _WOS, _REFER, _REFWORKS, _NOTEEXPRESS, _CNKI),
        strict=True,
    )
    for rank, tag in enumerate(table)
}


def labelled(text: str) -> dict[str, object]:
    """Return the known fields of "name: value" lines; a value that is continued by "- item" lines is a list."""
    fields: dict[str, object] = {}
    last = ""
    for line in text.split("\n"):
        found = re.match(r"([A-Za-z_\u4e00-\u9fff][\w -]{0,30}):(?:\s+(.*))?$", line)
        if found:
            last = known_name(found[1]) or ""
            value = (found[2] or "").strip().strip("|>").strip("'\"").strip()
            fields |= {last: [part.strip(" '\"") for part in value[1:-1].split(",")] if value[:1] == "[" else value} if last else {}
        elif last and line.strip():
            known, item = fields.get(last), re.sub(r"^\s*-\s+", "", line).strip().strip("'\"")
            is_item = re.match(r"\s*-\s", line) is not None
            fields[last] = [*(known if isinstance(known, list) else []), item] if is_item else f"{known} {item}".strip()
    return {name: value for name, value in fields.items() if value}
