"""The catalogue: papers, chunks, raw vectors and the lexical index, in one SQLite file.

The lexical index is SQLite's FTS5 with its BM25 (k1 1.2, b 0.75): it opens without loading anything, and
its scores never depend on the order of writing. Terms come from `rag.analyze`, so FTS5 only splits at
spaces. Rows are written once, by `CatalogWriter`, and then only read.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from rag.align import Vectors
from rag.analyze import analyze
from rag.schema import Chunk, Drop, Language, Paper, Problem, Source

_SCHEMA = """
CREATE TABLE papers (paper_id TEXT PRIMARY KEY, language TEXT NOT NULL, year INTEGER, record TEXT NOT NULL);
CREATE TABLE drops (kept_id TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE problems (record TEXT NOT NULL);
CREATE TABLE chunks (number INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL UNIQUE, paper_id TEXT NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, language TEXT NOT NULL, passage_key TEXT NOT NULL,
    vector BLOB NOT NULL);
CREATE INDEX chunks_passage ON chunks (passage_key);
CREATE VIRTUAL TABLE lexical USING fts5 (terms, content='', tokenize="ascii tokenchars '-._/+'");
"""
# SQLite allows an FTS5 expression of depth 256; the rarest terms of a long question are not known before
# the query, so its first distinct ones are used.
_MAX_QUERY_TERMS = 128
_MAX_VARIABLES = 500


class Catalog:
    """Read access to a finished catalogue; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the catalogue in `path` read-only; `sqlite3.Error` when it is not one."""
        self._lock = threading.Lock()
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        self._db.execute("SELECT count(*) FROM papers").fetchone()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, parameters).fetchall()

    def search(self, query: str, k: int, language: Language | None = None) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, BM25) of the chunks that share terms with `query`, best first."""
        terms = list(dict.fromkeys(analyze(query)))[:_MAX_QUERY_TERMS]
        if not terms:
            return []
        match = " OR ".join(f'"{term}"' for term in terms)
        clause, extra = ("AND c.language = ?", [language]) if language else ("", [])
        return [
            (chunk_id, -score)
            for chunk_id, score in self._rows(
                "SELECT c.chunk_id, bm25(lexical) AS score FROM lexical JOIN chunks c ON c.number = lexical.rowid "
                f"WHERE lexical MATCH ? {clause} ORDER BY score, c.number LIMIT ?",
                [match, *extra, k],
            )
        ]

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, tuple[Paper, Chunk]]:
        """Return each known chunk with its paper."""
        found: dict[str, tuple[Paper, Chunk]] = {}
        for first in range(0, len(chunk_ids), _MAX_VARIABLES):
            batch = chunk_ids[first : first + _MAX_VARIABLES]
            marks = ",".join("?" * len(batch))
            for chunk_id, start, end, record in self._rows(
                'SELECT c.chunk_id, c.start, c."end", p.record FROM chunks c JOIN papers p USING (paper_id) '
                f"WHERE c.chunk_id IN ({marks})",
                batch,
            ):
                paper = _paper(json.loads(record))
                text = paper.text[start:end]
                found[chunk_id] = paper, Chunk(chunk_id, paper.paper_id, text, start, end, paper.language)
        return found

    def papers(self) -> list[Paper]:
        """Return every paper, in the order of reading."""
        return [
            _paper(json.loads(record)) for (record,) in self._rows("SELECT record FROM papers ORDER BY rowid")
        ]

    def drops(self) -> list[dict[str, Any]]:
        """Return every folded duplicate as `Drop.to_dict()`."""
        return [json.loads(record) for (record,) in self._rows("SELECT record FROM drops ORDER BY rowid")]

    def problems(self) -> list[Problem]:
        """Return what could not be read when the index was built."""
        return [Problem(**json.loads(r)) for (r,) in self._rows("SELECT record FROM problems ORDER BY rowid")]

    def vectors(self, passage_keys: Iterable[str]) -> dict[str, Vectors]:
        """Return the stored raw vectors (d,) of the passages that are here, by key."""
        found: dict[str, Vectors] = {}
        keys = list(dict.fromkeys(passage_keys))
        for first in range(0, len(keys), _MAX_VARIABLES):
            batch = keys[first : first + _MAX_VARIABLES]
            marks = ",".join("?" * len(batch))
            query = f"SELECT passage_key, vector FROM chunks WHERE passage_key IN ({marks})"
            found |= {key: np.frombuffer(blob, dtype="<f4") for key, blob in self._rows(query, batch)}
        return found


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
    """Write a new catalogue: chunk i was embedded as passage `passage_keys[i]` with raw vector `vectors[i]`."""
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(_SCHEMA)
        db.executemany(
            "INSERT INTO papers VALUES (?, ?, ?, ?)",
            ((p.paper_id, p.language, p.year, _json(p.to_dict())) for p in papers.values()),
        )
        db.executemany("INSERT INTO drops VALUES (?, ?)", ((d.kept_id, _json(d.to_dict())) for d in drops))
        db.executemany("INSERT INTO problems VALUES (?)", ((_json(p.to_dict()),) for p in problems))
        for number, (chunk, key, vector) in enumerate(zip(chunks, passage_keys, vectors, strict=True)):
            db.execute(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    chunk.chunk_id,
                    chunk.paper_id,
                    chunk.start,
                    chunk.end,
                    chunk.language,
                    key,
                    vector.astype("<f4").tobytes(),
                ),
            )
            title = papers[chunk.paper_id].title or ""
            terms = " ".join(analyze(f"{title}\n{chunk.text}"))
            db.execute("INSERT INTO lexical (rowid, terms) VALUES (?, ?)", (number, terms))
        db.execute("INSERT INTO lexical (lexical) VALUES ('optimize')")


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _paper(record: dict[str, Any]) -> Paper:
    sources = tuple(Source(**source) for source in record.pop("sources"))
    return Paper(**record | {"authors": tuple(record["authors"])}, sources=sources)
