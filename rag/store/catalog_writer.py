"""Write the catalogue: a new one, or a change to a copy of one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedding.alignment import VectorSum
from rag.embedding.base import Vectors
from rag.schema import Chunk, Language, Paper
from rag.store.lexical import LexicalDocument, change_lexical, lexical_path, write_lexical
from rag.store.records import FoldedRecord, Inputs
from rag.text.analyzer import analyze_document

_SCHEMA = """
CREATE TABLE papers (paper_id TEXT PRIMARY KEY, language TEXT NOT NULL, year INTEGER, record TEXT NOT NULL,
    work TEXT NOT NULL);
CREATE INDEX papers_work ON papers (work);
CREATE TABLE sums (language TEXT PRIMARY KEY, count INTEGER NOT NULL, total BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE files (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE problems (file TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE chunks (number INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL UNIQUE, paper_id TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, language TEXT NOT NULL, passage_key TEXT NOT NULL,
    vector BLOB NOT NULL);
CREATE INDEX chunks_passage ON chunks (passage_key);
CREATE INDEX chunks_paper ON chunks (paper_id);
CREATE TABLE records (number INTEGER PRIMARY KEY, file TEXT NOT NULL, position INTEGER NOT NULL,
    paper_id TEXT NOT NULL, kept_id TEXT NOT NULL, reason TEXT, score REAL NOT NULL, keys BLOB NOT NULL,
    record TEXT NOT NULL);
CREATE INDEX records_file ON records (file);
CREATE INDEX records_paper ON records (paper_id);
CREATE INDEX records_kept ON records (kept_id);
CREATE TABLE keys (key INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (key, number)) WITHOUT ROWID;
CREATE TABLE inputs (name TEXT PRIMARY KEY, path TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
"""


_ROWS = 50_000  # rows of a table in memory at once


@dataclass(frozen=True)
class Passages:
    """Chunks as they were embedded: chunk i as passage `keys[i]`, with row i of the raw `vectors` (n, d)."""

    chunks: Sequence[Chunk]
    keys: Sequence[str]
    vectors: Vectors


NO_PASSAGES = Passages((), (), np.zeros((0, 0), dtype=np.float32))


@dataclass(frozen=True)
class CatalogChange:
    """What a change puts into a catalogue, and what it takes away first.

    `papers` are new, or have other fields than before; `passages` are all of theirs. `moved` papers differ in
    what is neither searched nor filtered by, such as a position. The records of `inputs` are put in place of
    those in `removed_records`, which are row numbers. `files` are the names of the files whose stamps and
    problems are replaced by those of `inputs`.
    """

    papers: Mapping[str, Paper]
    passages: Passages
    inputs: Inputs
    removed_papers: Collection[str] = ()
    removed_records: Collection[int] = ()
    files: Collection[str] = ()
    moved: Mapping[str, Paper] = field(default_factory=dict)


def write_catalog(path: Path, papers: Mapping[str, Paper], passages: Passages, inputs: Inputs) -> None:
    """Write a new catalogue with its lexical index."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(_SCHEMA)
        numbers = _insert(db, papers, passages, inputs)
        _write_sums(db, sums_of(passages))
    write_lexical(lexical_path(path), _documents(papers, passages, numbers))


def sums_of(passages: Passages) -> dict[Language, VectorSum]:
    """Return the sum of the raw vectors of each language."""
    return VectorSum.by_language(passages.vectors, [chunk.language for chunk in passages.chunks])


def change_catalog(path: Path, change: CatalogChange, sums: Mapping[Language, VectorSum]) -> None:
    """Change a catalogue and its lexical index in place; interrupted, it is of no use any more.

    `sums` are those of the vectors after the change.
    """
    replaced = {*change.papers, *change.removed_papers}
    with closing(sqlite3.connect(path)) as db, db:
        # The file is a copy that is thrown away after a crash.
        db.execute("PRAGMA synchronous = OFF")
        old = [number for (number,) in _in(db, "SELECT number FROM chunks WHERE paper_id IN", replaced)]
        _in(db, "DELETE FROM chunks WHERE paper_id IN", replaced)
        _in(db, "DELETE FROM papers WHERE paper_id IN", change.removed_papers)
        _delete_records(db, change.removed_records)
        for table, column in (("inputs", "name"), ("problems", "file")):
            _in(db, f"DELETE FROM {table} WHERE {column} IN", change.files)
        numbers = _insert(db, change.papers, change.passages, change.inputs)
        _insert_papers(db, change.moved)
        _write_sums(db, sums)
        db.execute("DELETE FROM files WHERE name NOT IN (SELECT file FROM records)")
    change_lexical(lexical_path(path), old, _documents(change.papers, change.passages, numbers))


def _insert(
    db: sqlite3.Connection, papers: Mapping[str, Paper], passages: Passages, inputs: Inputs
) -> Sequence[int]:
    """Insert everything; return the row numbers of the chunks."""
    _insert_papers(db, papers)
    problems = ((p.file, _json(p.to_dict())) for p in inputs.problems)
    db.executemany("INSERT INTO problems VALUES (?, ?)", problems)
    stamps = ((f.name, f.path, f.size, f.mtime_ns, f.digest) for f in inputs.files)
    db.executemany("INSERT OR REPLACE INTO inputs VALUES (?, ?, ?, ?, ?)", stamps)
    _insert_records(db, inputs.records)
    first = _next(db, "chunks")
    rows = enumerate(zip(passages.chunks, passages.keys, passages.vectors, strict=True), first)
    db.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (_row(n, *row) for n, row in rows))
    return range(first, first + len(passages.chunks))


def _insert_papers(db: sqlite3.Connection, papers: Mapping[str, Paper]) -> None:
    db.executemany(
        "INSERT INTO papers VALUES (?, ?, ?, ?, ?) ON CONFLICT (paper_id) DO UPDATE SET "
        "language = excluded.language, year = excluded.year, record = excluded.record, work = excluded.work",
        ((p.paper_id, p.language, p.year, _json(p.to_dict()), p.work) for p in papers.values()),
    )
    files = {source.file for paper in papers.values() for source in paper.sources}
    db.executemany("INSERT OR IGNORE INTO files VALUES (?)", ((name,) for name in sorted(files)))


def _insert_records(db: sqlite3.Connection, records: Sequence[FoldedRecord]) -> None:
    first = _next(db, "records")
    db.executemany(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, r.source.file, r.source.position, r.paper.paper_id, r.kept_id, r.reason, r.score,
             np.array(r.keys, dtype="<i8").tobytes(), _json(r.paper.to_dict()))
            for number, r in enumerate(records, first)
        ),
    )  # fmt: skip
    keys = np.fromiter((key for r in records for key in r.keys), dtype="<i8")
    counts = np.array([len(r.keys) for r in records], dtype=int)
    numbers = np.repeat(np.arange(first, first + len(records)), counts)
    order = np.lexsort((numbers, keys))  # in the order of the table, which is then written once
    for begin in range(0, len(order), _ROWS):
        part = order[begin : begin + _ROWS]
        rows = zip(keys[part].tolist(), numbers[part].tolist(), strict=True)
        db.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", rows)


def _write_sums(db: sqlite3.Connection, sums: Mapping[Language, VectorSum]) -> None:
    rows = ((la, own.count, own.total.astype("<f8").tobytes()) for la, own in sums.items())
    db.executemany("INSERT OR REPLACE INTO sums VALUES (?, ?, ?)", rows)


def _next(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT coalesce(max(number) + 1, 0) FROM {table}").fetchone()[0])


def _delete_records(db: sqlite3.Connection, numbers: Collection[int]) -> None:
    for number in numbers:
        for (blob,) in db.execute("SELECT keys FROM records WHERE number = ?", (number,)).fetchall():
            keys = ((key, number) for key in np.frombuffer(blob, dtype="<i8").tolist())
            db.executemany("DELETE FROM keys WHERE key = ? AND number = ?", keys)
    db.executemany("DELETE FROM records WHERE number = ?", ((number,) for number in numbers))


def _in(db: sqlite3.Connection, query: str, values: Iterable[str]) -> list[tuple[Any, ...]]:
    """Run a query that ends in IN once for each value; return all rows."""
    return [row for value in values for row in db.execute(f"{query} (?)", (value,))]


def _row(number: int, chunk: Chunk, key: str, vector: Vectors) -> tuple[Any, ...]:
    place = chunk.chunk_id, chunk.paper_id, chunk.start, chunk.end, chunk.language
    return number, *place, key, vector.astype("<f4").tobytes()


def _documents(
    papers: Mapping[str, Paper], passages: Passages, numbers: Sequence[int]
) -> Iterable[LexicalDocument]:
    for number, chunk in zip(numbers, passages.chunks, strict=True):
        paper = papers[chunk.paper_id]
        files = sorted({source.file for source in paper.sources})
        terms = analyze_document(f"{paper.title or ''}\n{chunk.text}")
        yield LexicalDocument(number, terms, chunk.language, files, paper.year)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
