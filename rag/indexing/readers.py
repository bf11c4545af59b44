"""Read corpus files into Papers, one per record, with their sources.

Formats, each also gzipped: plain text with a blank line or a line "translated by 谷歌翻译" between abstracts;
JSONL with `title, abstract, authors, year, doi, url`; EndNote XML. An unreadable record becomes a Problem.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from rag.errors import CorpusError
from rag.indexing.files import LINE_KINDS, XML_KINDS, CorpusFile, corpus_files, shown
from rag.schema import Paper, Problem, Source
from rag.text.cleaning import clean_text, paper_id
from rag.text.encoding import decode, is_undecodable, read_bytes
from rag.text.language import detect_language

Fields = dict[str, Any]

_FIELDS = {
    "title": "titles/title",
    "abstract": "abstract",
    "year": "dates/year",
    "doi": "electronic-resource-num",
    "url": "urls/related-urls/url",
    "caption": "caption",  # marks duplicates in the data of benchmarks/dedup.py
}
_DECLARATION = re.compile(
    rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([A-Za-z][\w.-]{0,40})[\"'][^>]*\?>", re.ASCII
)
# Encodings that the XML parser decodes itself; it fails for other multi-byte ones.
_PARSERS_OWN = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii"})
# Files labelled GB2312 or GBK often contain characters of GB18030, which includes both.
_GB = frozenset({"gb2312", "gbk", "gb18030", "cp936"})
_SEPARATOR = re.compile(r"^[ \t]*translated by[ \t]*谷歌翻译[ \t]*$", re.MULTILINE | re.IGNORECASE)
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_DOI_PREFIX = re.compile(r"^\s*(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)[12]\d{3}(?!\d)")
_INITIALS = re.compile(r"(?:[A-Z]\.?[ -]?){1,4}")


def endnote_fields(data: bytes) -> Iterator[Fields]:
    """Yield the fields of each `<record>`: strings, and `authors` as a list; missing fields are "".

    Raises ParseError for malformed XML, after the records before it, and ValueError for declared entities
    (which can be an attack) and for an unknown or wrong encoding.
    """
    from defusedxml.ElementTree import iterparse

    data, undecodable = _decoded(data)
    try:
        for _, element in iterparse(io.BytesIO(data)):
            if element.tag == "record":
                yield _fields(element)
                element.clear()
    except ParseError as error:
        if undecodable:
            raise ValueError(undecodable) from error
        raise


def _fields(record: Element) -> Fields:
    fields: Fields = {name: _text(record.find(path)) for name, path in _FIELDS.items()}
    return fields | {"authors": [_text(author) for author in record.findall("contributors/authors/author")]}


def _decoded(data: bytes) -> tuple[bytes, str | None]:
    """Return XML that the parser can read, and the reason if invalid bytes end it early."""
    declaration = _DECLARATION.match(data.removeprefix(codecs.BOM_UTF8))
    if declaration is None or (name := declaration[1].decode("ascii").lower()) in _PARSERS_OWN:
        return data, None
    if data.startswith(codecs.BOM_UTF8):  # the byte order mark is newer than the declaration
        return data[len(codecs.BOM_UTF8) + declaration.end() :], None
    encoding = "gb18030" if name in _GB else name
    data = data[declaration.end() :]
    try:
        return data.decode(encoding).encode(), None
    except UnicodeDecodeError as error:
        return data[: error.start].decode(encoding, "ignore").encode(), f"it is not valid {name}"
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"unknown encoding {name!r}; save the file as UTF-8") from error


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()


@dataclass(frozen=True, slots=True)
class CorpusReading:
    """The papers of a path in reading order, and a Problem per record or file that was not read."""

    papers: tuple[Paper, ...]
    problems: tuple[Problem, ...]


def read_papers(path: Path, name_from: Path | None = None) -> CorpusReading:
    """Read every supported file at `path`, a file or a folder with its subfolders, sorted by name.

    Each Paper has one Source: the file's name and the 1-based record, or line for JSONL. Names are relative
    to `name_from`, by default `path`. Several paths in one index need their common parent here, so that files
    with the same name stay different. Hidden, README, licence and checksum files are skipped.

    Raises:
        CorpusError: the path cannot be read, or contains no abstract.
    """
    items: list[Paper | Problem] = []
    for found in corpus_files(path, name_from):
        items += [found] if isinstance(found, Problem) else read_file(found)
    papers = tuple(item for item in items if isinstance(item, Paper))
    problems = tuple(item for item in items if isinstance(item, Problem))
    if not papers:
        raise CorpusError(nothing_readable([path], problems))
    return CorpusReading(papers, problems)


def read_endnote_records(path: Path) -> list[tuple[Paper, Fields]]:
    """Return every record of an EndNote XML file with its raw fields, for benchmarks/dedup.py.

    The title replaces a missing abstract. Raises CorpusError for malformed XML.
    """
    data, reason = read_bytes(path)
    try:
        records = list(endnote_fields(data))
    except (ParseError, ValueError) as error:
        raise CorpusError(
            f"{path.name} is not well-formed XML ({reason or error}): export it again."
        ) from error
    texts = [clean_text(fields["abstract"] or fields["title"]) for fields in records]
    sources = [Source(path.name, position) for position in range(1, len(records) + 1)]
    return [(_paper(*record), record[0]) for record in zip(records, texts, sources, strict=True)]


def read_file(file: CorpusFile) -> Iterator[Paper | Problem]:
    """Yield the papers of one file, and a Problem for each record that is not read."""
    data, stopped = read_bytes(file.path)
    if data.strip():
        yield from _read_xml(data, file.name) if file.kind in XML_KINDS else _read_text(data, file)
    elif not stopped:
        yield Problem(file.name, None, "empty file")
    if stopped:
        yield Problem(file.name, None, stopped)


def _read_text(data: bytes, file: CorpusFile) -> Iterator[Paper | Problem]:
    if (text := decode(data)) is None:
        yield Problem(file.name, None, "binary file, no text")
        return
    by_line = file.kind in LINE_KINDS
    for position, part in _lines(text) if by_line else _abstracts(text):
        source = Source(file.name, position)
        if is_undecodable(part):
            yield Problem(file.name, position, "not valid UTF-8; save the file as UTF-8")
        else:
            yield _read_line(part, source) if by_line else _record({"abstract": part}, source)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip())


def _abstracts(text: str) -> Iterator[tuple[int, str]]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    divider = _SEPARATOR if _SEPARATOR.search(text) else _BLANK_LINE
    return enumerate((part for part in divider.split(text) if part.strip()), 1)


def _read_line(line: str, source: Source) -> Paper | Problem:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return Problem(source.file, source.position, "malformed JSON")
    if not isinstance(fields, dict):
        return Problem(source.file, source.position, "not a JSON object")
    return _record(fields, source)


def _read_xml(data: bytes, name: str) -> Iterator[Paper | Problem]:
    position = 0
    try:
        for position, fields in enumerate(endnote_fields(data), 1):
            yield _record(fields, Source(name, position))
    except (ParseError, ValueError) as error:
        yield Problem(name, position + 1, f"XML that cannot be read from here on: {error}")
    else:
        if not position:
            yield Problem(name, None, "no EndNote <record> in it")


def _record(fields: Fields, source: Source) -> Paper | Problem:
    abstract = fields.get("abstract")
    if not isinstance(abstract, str) or not abstract.strip():
        return Problem(source.file, source.position, "no abstract")
    text = clean_text(abstract)
    if not any(char.isalnum() for char in text):
        return Problem(source.file, source.position, "no words in the abstract")
    return _paper(fields, text, source)


def _paper(fields: Fields, text: str, source: Source) -> Paper:
    doi = _DOI_PREFIX.sub("", _string(fields, "doi") or "")
    year = _YEAR.search(str(fields.get("year") or ""))
    return Paper(
        paper_id=paper_id(text),
        text=text,
        language=detect_language(text),
        sources=(source,),
        title=_string(fields, "title"),
        authors=_authors(fields.get("authors")),
        year=int(year[0]) if year else None,
        doi=doi or None,
        url=_string(fields, "url"),
    )


def _string(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return clean_text(value) or None if isinstance(value, str) else None


def _authors(value: object) -> tuple[str, ...]:
    names = _split_authors(value) if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(name for name in (clean_text(n) for n in names if isinstance(n, str)) if name)


def _split_authors(value: str) -> list[str]:
    """Split "A; B", "Li, X. and Wu, Y." or "A. Lee, B. Wu and C" into names."""
    if ";" in value:
        return value.split(";")
    joined = re.split(r"\s+and\s+", value)
    if len(joined) > 1 and all(name.count(",") == 1 for name in joined):
        return joined
    names: list[str] = []
    for part in (part.strip() for name in joined for part in name.split(",")):
        if names and _INITIALS.fullmatch(part):
            names[-1] += f", {part}"
        else:
            names.append(part)
    return names


def nothing_readable(paths: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Return the sentence that says why no abstract was found in `paths`."""
    names = " and ".join(shown(path) for path in paths[:3])
    if not problems:
        return f"{names} holds no abstracts: give .txt, .jsonl or EndNote .xml files."
    first = problems[0]
    place = first.file if first.position is None else f"{first.file}, record {first.position}"
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"No readable abstract in {names} ({place}: {first.reason}{more}): fix or convert the files."
