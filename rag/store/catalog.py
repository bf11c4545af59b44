"""The catalogue: papers, chunks and raw vectors in one SQLite file, with the lexical index beside it.

`NAME.sqlite` has its lexical index in the folder `NAME.lexical`; both are written once, by `write_catalog`,
and then only read. Terms come from `rag.text.analyzer`; a chunk's row number is its number in the lexical
index.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedding.base import Vectors
from rag.schema import Chunk, Drop, Filters, Language, Paper, Problem, Source
from rag.store.lexical import LexicalDocument, LexicalFilter, LexicalIndex, write_lexical
from rag.text.analyzer import analyze, analyze_document

_SCHEMA = """
CREATE TABLE papers (paper_id TEXT PRIMARY KEY, language TEXT NOT NULL, year INTEGER, record TEXT NOT NULL);
CREATE TABLE files (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE drops (kept_id TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE problems (record TEXT NOT NULL);
CREATE TABLE chunks (number INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL UNIQUE, paper_id TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, language TEXT NOT NULL, passage_key TEXT NOT NULL,
    vector BLOB NOT NULL);
CREATE INDEX chunks_passage ON chunks (passage_key);
"""
# The distinct terms of a question that are searched: all, unless somebody pastes a paper.
_MAX_QUERY_TERMS = 1000
_MAX_VARIABLES = 500


class Catalog:
    """Read access to a finished catalogue; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the catalogue in `path` read-only; `sqlite3.Error` when it is not one."""
        self._path = path
        self._lock = threading.Lock()
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        self._db.execute("SELECT count(*) FROM papers").fetchone()

    def close(self) -> None:
        """Close the files."""
        self.__dict__.pop("_lexical", None)
        self._db.close()

    def _rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, parameters).fetchall()

    @cached_property
    def _lexical(self) -> LexicalIndex:
        return LexicalIndex(_lexical_path(self._path))

    def search(
        self, query: str, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, BM25) of the chunks that share terms with `query`, best first.

        Only chunks in `language`, and of papers that pass `filters`, are searched.

        Raises:
            LibraryIndexError: the lexical index is missing or damaged.
        """
        terms = list(dict.fromkeys(analyze(query)))[:_MAX_QUERY_TERMS]
        filters = filters or Filters()
        if language and filters.language and language != filters.language:
            return []
        files = self.source_names(filters.sources) if filters.sources else None
        where = LexicalFilter(language or filters.language, files, filters.year_from, filters.year_to)
        hits = self._lexical.search(terms, k, where)
        ids = self._chunk_ids([number for number, _ in hits])
        return [(ids[number], score) for number, score in hits]

    def _chunk_ids(self, numbers: Sequence[int]) -> dict[int, str]:
        return dict(self._rows_of("SELECT number, chunk_id FROM chunks WHERE number IN", numbers))

    def source_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the exact `Source.file` names, sorted, that `names` of files and of folders select."""
        found: set[str] = set()
        for name in names:
            name = name.rstrip("/")
            below = name + "/", name + chr(ord("/") + 1)
            found |= {
                file
                for (file,) in self._rows(
                    "SELECT name FROM files WHERE name = ? OR (name >= ? AND name < ?)", (name, *below)
                )
            }
        return tuple(sorted(found))

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, tuple[Paper, Chunk]]:
        """Return each known chunk with its paper."""
        found: dict[str, tuple[Paper, Chunk]] = {}
        query = (
            'SELECT c.chunk_id, c.start, c."end", p.record FROM chunks c JOIN papers p USING (paper_id) '
            "WHERE c.chunk_id IN"
        )
        for chunk_id, start, end, record in self._rows_of(query, chunk_ids):
            paper = _paper(json.loads(record))
            text = paper.text[start:end]
            found[chunk_id] = paper, Chunk(chunk_id, paper.paper_id, text, start, end, paper.language)
        return found

    def chunk_vectors(self, chunk_ids: Sequence[str]) -> dict[str, tuple[Language, Vectors]]:
        """Return language and raw vector (d,) of each known chunk."""
        rows = self._rows_of("SELECT chunk_id, language, vector FROM chunks WHERE chunk_id IN", chunk_ids)
        return {chunk_id: (language, np.frombuffer(blob, dtype="<f4")) for chunk_id, language, blob in rows}

    def papers(self) -> list[Paper]:
        """Return every paper, in the order of reading."""
        return [
            _paper(json.loads(record)) for (record,) in self._rows("SELECT record FROM papers ORDER BY rowid")
        ]

    def chunk_ids(self) -> list[tuple[str, str]]:
        """Return (chunk_id, paper_id) of every chunk, in the order of reading."""
        return [(c, p) for c, p in self._rows("SELECT chunk_id, paper_id FROM chunks ORDER BY number")]

    def file_count(self) -> int:
        """Return how many files the papers were read from."""
        return int(self._rows("SELECT count(*) FROM files")[0][0])

    def drops(self) -> list[dict[str, Any]]:
        """Return every folded duplicate as `Drop.to_dict()`."""
        return [json.loads(record) for (record,) in self._rows("SELECT record FROM drops ORDER BY rowid")]

    def problems(self) -> list[Problem]:
        """Return what could not be read when the index was built."""
        return [Problem(**json.loads(r)) for (r,) in self._rows("SELECT record FROM problems ORDER BY rowid")]

    def vectors(self, passage_keys: Iterable[str]) -> dict[str, Vectors]:
        """Return the stored raw vectors (d,) of the passages that are here, by key."""
        keys = list(dict.fromkeys(passage_keys))
        rows = self._rows_of("SELECT passage_key, vector FROM chunks WHERE passage_key IN", keys)
        return {key: np.frombuffer(blob, dtype="<f4") for key, blob in rows}

    def _rows_of(self, query: str, keys: Sequence[str] | Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query that ends in IN for any number of keys, as many at once as SQLite
        takes.
        """
        for first in range(0, len(keys), _MAX_VARIABLES):
            batch = keys[first : first + _MAX_VARIABLES]
            yield from self._rows(f"{query} ({','.join('?' * len(batch))})", batch)


def write_catalog(
    path: Path,
    *,
    papers: Mapping[str, Paper],
    chunks: Sequence[Chunk],
    passage_keys: Sequence[str],
    vectors: Vectors,
    drops: Iterable[Drop],
    problems: Iterable[Problem],
) -> None:
    """Write a new catalogue.

    Chunk i was embedded as passage `passage_keys[i]` with raw vector `vectors[i]`.
    """
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(_SCHEMA)
        db.executemany(
            "INSERT INTO papers VALUES (?, ?, ?, ?)",
            ((p.paper_id, p.language, p.year, _json(p.to_dict())) for p in papers.values()),
        )
        files = {source.file for paper in papers.values() for source in paper.sources}
        db.executemany("INSERT INTO files VALUES (?)", ((name,) for name in sorted(files)))
        db.executemany("INSERT INTO drops VALUES (?, ?)", ((d.kept_id, _json(d.to_dict())) for d in drops))
        db.executemany("INSERT INTO problems VALUES (?)", ((_json(p.to_dict()),) for p in problems))
        rows = enumerate(zip(chunks, passage_keys, vectors, strict=True))
        db.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (_row(n, *row) for n, row in rows)
        )
    write_lexical(_lexical_path(path), (_document(papers[chunk.paper_id], chunk) for chunk in chunks))


def _row(number: int, chunk: Chunk, key: str, vector: Vectors) -> tuple[Any, ...]:
    place = chunk.chunk_id, chunk.paper_id, chunk.start, chunk.end, chunk.language
    return number, *place, key, vector.astype("<f4").tobytes()


def _document(paper: Paper, chunk: Chunk) -> LexicalDocument:
    files = sorted({source.file for source in paper.sources})
    terms = analyze_document(f"{paper.title or ''}\n{chunk.text}")
    return LexicalDocument(terms, chunk.language, files, paper.year)


def _lexical_path(catalog: Path) -> Path:
    return catalog.with_suffix(".lexical")


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _paper(record: dict[str, Any]) -> Paper:
    """Return the paper of `Paper.to_dict`; fields that an older version lacked keep their defaults."""
    lists = {name: tuple(record.get(name, ())) for name in ("authors", "keywords")}
    sources = tuple(Source(**source) for source in record["sources"])
    return Paper(**record | lists | {"sources": sources})
