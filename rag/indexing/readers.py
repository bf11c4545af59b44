"""Read corpus files of any known format into Papers with their sources; docs/formats.md lists the formats.

A file is recognised by what it holds and read record by record. What cannot be read becomes a Problem.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from rag.errors import CorpusError
from rag.indexing.files import CorpusFile, corpus_files, shown
from rag.indexing.reading.fields import KNOWN
from rag.indexing.reading.formats import reader_of
from rag.indexing.reading.forms.xml_records import read_xml
from rag.indexing.reading.papers import paper_of, papers_of
from rag.indexing.reading.record import Fields, Record
from rag.indexing.reading.refused import binary_kind, unreadable
from rag.schema import Paper, Problem, Source
from rag.text.cleaning import clean_text
from rag.text.encoding import SAMPLE_BYTES, decoded_lines, open_bytes, stopped_by
from rag.text.encoding_guess import encoding_of

_HEAD_BYTES = 1 << 16  # bytes of a file that tell its format
_DECLARATION = re.compile(
    rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([A-Za-z][\w.-]{0,40})[\"'][^>]*\?>", re.ASCII
)
# Files labelled GB2312 or GBK often contain characters of GB18030, which includes both.
_GB = frozenset({"gb2312", "gbk", "cp936"})


@dataclass(frozen=True, slots=True)
class CorpusReading:
    """The papers of a path in reading order, and a Problem per record or file that was not read."""

    papers: tuple[Paper, ...]
    problems: tuple[Problem, ...]


def read_papers(
    path: Path, name_from: Path | None = None, mapping: Mapping[str, str] | None = None
) -> CorpusReading:
    """Read every file at `path`, a file or a folder with its subfolders, sorted by name.

    Each Paper has one Source: the file's name and the 1-based record, or line for JSONL. Names are relative
    to `name_from`, by default `path`. Several paths in one index need their common parent here, so that files
    with the same name stay different. Hidden, README, licence and checksum files are skipped. `mapping` gives
    the dotted path of fields in JSON, or the column in tables: {"abstract": "data.summary"}.

    Raises:
        CorpusError: the path cannot be read, contains no abstract, or `mapping` names an unknown field.
    """
    items = list(iter_papers(path, name_from, mapping))
    papers = tuple(item for item in items if isinstance(item, Paper))
    problems = tuple(item for item in items if isinstance(item, Problem))
    if not papers:
        raise CorpusError(nothing_readable([path], problems))
    return CorpusReading(papers, problems)


def iter_papers(
    path: Path, name_from: Path | None = None, mapping: Mapping[str, str] | None = None
) -> Iterator[Paper | Problem]:
    """Yield what `read_papers` collects, while memory holds one record at a time.

    A record with an abstract in both languages yields two Papers with one `work_id`.

    Raises:
        CorpusError: the path cannot be read, or `mapping` names an unknown field.
    """
    check_mapping(mapping)
    for found in corpus_files(path, name_from):
        if isinstance(found, Problem):
            yield found
        else:
            yield from read_file(found, mapping)


def check_mapping(mapping: Mapping[str, str] | None) -> None:
    """Raise CorpusError if a field of `mapping` is not known."""
    if unknown := sorted(set(mapping or {}) - set(KNOWN)):
        raise CorpusError(f"There is no field {unknown[0]!r} to map: use one of {', '.join(KNOWN)}.")


def read_file(file: CorpusFile, mapping: Mapping[str, str] | None = None) -> Iterator[Paper | Problem]:
    """Yield the Papers and Problems of one file."""
    try:
        with open_bytes(file.path) as stream:
            sample, reason = _sample(stream)
        if not sample.strip():
            yield Problem(file.name, None, reason or "empty file")
            return
        with open_bytes(file.path) as stream:
            yield from _read_stream(stream, sample, file, mapping)
    except (OSError, EOFError, zlib.error) as error:
        yield Problem(file.name, None, stopped_by(error))


def read_endnote_records(path: Path) -> list[tuple[Paper, Fields]]:
    """Return every record of an EndNote XML file with its raw fields, for benchmarks/dedup.py.

    The title replaces a missing abstract. Raises CorpusError for malformed XML.
    """
    found = []
    with open_bytes(path) as stream:
        for raw in read_xml(decoded_lines(stream, "utf-8")):
            if not isinstance(raw, Record):
                raise CorpusError(f"{path.name} is not well-formed XML ({raw.reason}): export it again.")
            text = clean_text(str(raw.fields["abstract"] or raw.fields["title"]))
            found.append((paper_of(raw.fields, text, Source(path.name, raw.position)), raw.fields))
    return found


class _Lines:
    """The lines of a file; an error ends them and is kept, so that what came before is used."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.stopped: str | None = None

    def __iter__(self) -> Iterator[str]:
        try:
            yield from self._lines
        except (OSError, EOFError, zlib.error) as error:
            self.stopped = stopped_by(error)


def _sample(stream: BinaryIO) -> tuple[bytes, str | None]:
    """Return the beginning of a file, and the error that ended it."""
    read = bytearray()
    try:
        while len(read) < SAMPLE_BYTES and (block := stream.read(1 << 14)):
            read += block
    except (OSError, EOFError, zlib.error) as error:
        return bytes(read), stopped_by(error)
    return bytes(read), None


def _read_stream(
    stream: BinaryIO, sample: bytes, file: CorpusFile, mapping: Mapping[str, str] | None
) -> Iterator[Paper | Problem]:
    encoding = _declared(sample) or encoding_of(sample)
    reason = binary_kind(sample) or (unreadable(sample) if encoding is None else None)
    if encoding is None or reason:
        yield Problem(file.name, None, reason or "")
        return
    head = "".join(decoded_lines(BytesIO(sample[:_HEAD_BYTES]), encoding))
    reader = reader_of(head, file.kind, mapping)
    if isinstance(reader, str):
        yield Problem(file.name, None, reader)
        return
    lines, empty = _Lines(decoded_lines(stream, encoding)), True
    for raw in reader(iter(lines)):
        empty = False
        yield from papers_of(raw, file.name, mapping)
    if empty and not lines.stopped:
        yield Problem(file.name, None, "no record in it")
    if lines.stopped:
        yield Problem(file.name, None, lines.stopped)


def _declared(sample: bytes) -> str | None:
    """Return the encoding that XML declares, if it is one of text; what a mark says is newer."""
    found = _DECLARATION.match(sample)
    if found is None:
        return None
    name = found[1].decode("ascii").lower()
    try:
        codec = codecs.lookup("gb18030" if name in _GB else name)
        "".encode(codec.name)
    except (LookupError, UnicodeError):
        return None
    return None if codec.name in ("utf-8", "ascii") else codec.name


def nothing_readable(paths: Sequence[Path], problems: Sequence[Problem]) -> str:
    """Return the sentence that says why no abstract was found in `paths`."""
    names = " and ".join(shown(path) for path in paths[:3])
    if not problems:
        return f"{names} holds no abstracts: give files of abstracts, such as .txt, .bib, .ris or .jsonl."
    first = problems[0]
    place = first.file if first.position is None else f"{first.file}, record {first.position}"
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"No readable abstract in {names} ({place}: {first.reason}{more}): fix or convert the files."
