"""Read the catalogue: papers, chunks, raw vectors and the input in one SQLite file, with the lexical index.

`NAME.sqlite` has its lexical index in the folder `NAME.lexical`; `rag.store.catalog_writer` writes both.
Terms come from `rag.text.analyzer`; a chunk's row number is its number in the lexical index.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rag.embedding.alignment import VectorSum
from rag.embedding.base import Vectors
from rag.schema import Chunk, Filters, Language, Paper, Problem
from rag.store.lexical import LexicalFilter, LexicalIndex, lexical_path
from rag.store.records import RECORD_COLUMNS, FoldedRecord, InputFile, paper_of, record_of
from rag.store.within import Part, files_named, part_of
from rag.text.analyzer import analyze

# The distinct terms of a question that are searched: all, unless somebody pastes a paper.
_MAX_QUERY_TERMS = 1000
_MAX_VARIABLES = 500


class Catalog:
    """Read access to a finished catalogue; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the catalogue in `path` read-only; `sqlite3.Error` when it is not one."""
        self._path = path
        self._lock = threading.Lock()
        self._last_part: tuple[Filters, Language | None, Part] | None = None
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
        return LexicalIndex(lexical_path(self._path))

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
        hits = self._lexical.search(terms, k, self._where(filters, language))
        ids = dict(self._rows_of("SELECT number, chunk_id FROM chunks WHERE number IN", [n for n, _ in hits]))
        return [(ids[number], score) for number, score in hits]

    def _where(
        self, filters: Filters, language: Language | None = None, every: bool = False
    ) -> LexicalFilter:
        files = self.source_names(filters.sources) if filters.sources else None
        numbers = self.part(filters, language).numbers if filters.papers else None
        years = filters.year_from, filters.year_to
        return LexicalFilter(language or filters.language, files, *years, numbers, every)

    def papers_with(self, text: str, filters: Filters | None = None) -> list[str]:
        """Return all papers, by id, that pass `filters` and hold every term of `text`, by BM25."""
        terms = list(dict.fromkeys(analyze(text)))[:_MAX_QUERY_TERMS]
        where = self._where(filters or Filters(), every=True)
        hits = self._lexical.search(terms, max(1, self._lexical.count()), where)
        rows = self._rows_of("SELECT number, paper_id FROM chunks WHERE number IN", [n for n, _ in hits])
        owners = dict(rows)
        return list(dict.fromkeys(owners[number] for number, _ in hits))

    def part(self, filters: Filters, language: Language | None = None) -> Part:
        """Return the chunks, in `language` if one is given, of `filters.papers` that pass the filters."""
        known = self._last_part  # both retrievers ask for the same part, one after the other
        if known is None or known[:2] != (filters, language):
            files = frozenset(self.source_names(filters.sources))
            known = filters, language, part_of(self._rows_of, filters, files, language)
            self._last_part = known
        return known[2]

    def source_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the exact `Source.file` names, sorted, that `names` of files and of folders select."""
        return files_named(self._rows, names)

    def chunks(self, chunk_ids: Sequence[str]) -> dict[str, tuple[Paper, Chunk]]:
        """Return each known chunk with its paper."""
        found: dict[str, tuple[Paper, Chunk]] = {}
        query = (
            'SELECT c.chunk_id, c.start, c."end", p.record FROM chunks c JOIN papers p USING (paper_id) '
            "WHERE c.chunk_id IN"
        )
        for chunk_id, start, end, record in self._rows_of(query, chunk_ids):
            paper = paper_of(json.loads(record))
            text = paper.text[start:end]
            found[chunk_id] = paper, Chunk(chunk_id, paper.paper_id, text, start, end, paper.language)
        return found

    def chunk_vectors(self, chunk_ids: Sequence[str]) -> dict[str, tuple[Language, Vectors]]:
        """Return language and raw vector (d,) of each known chunk."""
        rows = self._rows_of("SELECT chunk_id, language, vector FROM chunks WHERE chunk_id IN", chunk_ids)
        return {chunk_id: (language, np.frombuffer(blob, dtype="<f4")) for chunk_id, language, blob in rows}

    def papers(self) -> list[Paper]:
        """Return every paper, in the order of reading."""
        rows = self._rows("SELECT record FROM papers ORDER BY rowid")
        return [paper_of(json.loads(record)) for (record,) in rows]

    def papers_without_text(self) -> list[Paper]:
        """Return every paper without its text, in the order of reading, to keep its fields in memory."""
        rows = self._rows("SELECT json_set(record, '$.text', '') FROM papers ORDER BY rowid")
        return [paper_of(record) for record in json.loads(f"[{','.join(row for (row,) in rows)}]")]

    def chunk_ids(self) -> list[tuple[str, str]]:
        """Return (chunk_id, paper_id) of every chunk, in the order of reading."""
        return [(c, p) for c, p in self._rows("SELECT chunk_id, paper_id FROM chunks ORDER BY number")]

    def file_count(self) -> int:
        """Return how many files the papers were read from."""
        return int(self._rows("SELECT count(*) FROM files")[0][0])

    def drops(self) -> list[dict[str, Any]]:
        """Return every folded duplicate as `Drop.to_dict()`."""
        if not self.has_records:
            return [json.loads(record) for (record,) in self._rows("SELECT record FROM drops ORDER BY rowid")]
        return [record.drop.to_dict() for record in self.records("reason IS NOT NULL") if record.drop]

    @cached_property
    def has_records(self) -> bool:
        """Whether it holds the records as they were read; those of version 2 hold the dropped ones only."""
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = 'records'"))

    def problems(self) -> list[Problem]:
        """Return what could not be read when the index was built."""
        return [Problem(**json.loads(r)) for (r,) in self._rows("SELECT record FROM problems ORDER BY rowid")]

    def resolve(self, paper_id: str) -> Paper | None:
        """Return the paper with this id, or the one that the record with this id was folded into."""
        found = self.papers_by_id([paper_id])
        if not found and self.has_records:
            kept = self._rows("SELECT kept_id FROM records WHERE paper_id = ? LIMIT 1", (paper_id,))
            found = self.papers_by_id([kept[0][0]]) if kept else {}
        return next(iter(found.values()), None)

    def counts(self) -> dict[str, Any]:
        """Return the figures of a manifest: records, papers (distinct texts), works, chunks, languages."""
        records, papers = self._rows("SELECT count(*), count(DISTINCT paper_id) FROM records")[0]
        works = self._rows("SELECT count(DISTINCT work) FROM papers")[0][0]
        languages = dict(self._rows("SELECT language, count(*) FROM papers GROUP BY language ORDER BY 1"))
        chunks = self._rows("SELECT count(*) FROM chunks")[0][0]
        names = ("records", "papers", "works", "chunks", "languages")
        return dict(zip(names, (records, papers, works, chunks, languages), strict=True))

    def faults(self) -> list[str]:
        """Return what SQLite finds damaged, nothing if the file is sound."""
        return [message for (message,) in self._rows("PRAGMA quick_check(3)") if message != "ok"]

    def sums(self) -> dict[Language, VectorSum]:
        """Return the sum of the raw vectors of each language."""
        rows = self._rows("SELECT language, count, total FROM sums")
        return {la: VectorSum(count, np.frombuffer(total, dtype="<f8")) for la, count, total in rows}

    def papers_by_id(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return the known papers among `paper_ids`, by id."""
        rows = self._rows_of("SELECT paper_id, record FROM papers WHERE paper_id IN", paper_ids)
        return {paper_id: paper_of(json.loads(record)) for paper_id, record in rows}

    def records(self, where: str = "1", parameters: Sequence[Any] = ()) -> list[FoldedRecord]:
        """Return the records that fulfil an SQL condition, in the order of reading."""
        return list(self.numbered_records(where, parameters).values())

    def numbered_records(self, where: str = "1", parameters: Sequence[Any] = ()) -> dict[int, FoldedRecord]:
        """Return the records that fulfil an SQL condition, by row number; none where version 2 wrote it."""
        if not self.has_records:
            return {}
        query = f"SELECT {RECORD_COLUMNS} FROM records WHERE {where} ORDER BY number"
        return {row[0]: record_of(row) for row in self._rows(query, parameters)}

    def records_in(
        self, column: Literal["number", "file", "paper_id", "kept_id"], values: Sequence[Any]
    ) -> dict[int, FoldedRecord]:
        """Return the records whose `column` has one of `values`, by row number."""
        rows = self._rows_of(f"SELECT {RECORD_COLUMNS} FROM records WHERE {column} IN", values)
        return {row[0]: record_of(row) for row in rows}

    def record_numbers(self, keys: Sequence[int]) -> set[int]:
        """Return the row numbers of the records that have one of the blocking `keys`."""
        return {n for (n,) in self._rows_of("SELECT DISTINCT number FROM keys WHERE key IN", keys)}

    def inputs(self) -> dict[str, InputFile]:
        """Return every file that was read, by name; none where version 2 wrote the index."""
        if not self.has_records:
            return {}
        rows = self._rows("SELECT name, path, size, mtime_ns, digest FROM inputs ORDER BY name")
        return {row[0]: InputFile(*row) for row in rows}

    def passages(self, paper_ids: Sequence[str] | None = None) -> list[tuple[Chunk, str, Vectors]]:
        """Return chunk, passage key and raw vector (d,) of every passage, or of those of `paper_ids`."""
        query = 'SELECT chunk_id, paper_id, start, "end", language, passage_key, vector FROM chunks'
        if paper_ids is None:
            rows: Iterable[tuple[Any, ...]] = self._rows(f"{query} ORDER BY number")
            texts = {paper.paper_id: paper.text for paper in self.papers()}
        else:
            rows = self._rows_of(f"{query} WHERE paper_id IN", paper_ids)
            texts = {paper_id: paper.text for paper_id, paper in self.papers_by_id(paper_ids).items()}
        return [
            (Chunk(i, p, texts[p][start:end], start, end, la), key, np.frombuffer(blob, dtype="<f4"))
            for i, p, start, end, la, key, blob in rows
        ]

    def raw_vectors(self) -> tuple[list[str], list[Language], Vectors]:
        """Return of every passage the paper_id, the language and the raw vector, (n, d)."""
        rows = self._rows("SELECT paper_id, language, vector FROM chunks ORDER BY number")
        vectors = np.frombuffer(b"".join(vector for _, _, vector in rows), dtype="<f4")
        return [i for i, _, _ in rows], [la for _, la, _ in rows], vectors.reshape(len(rows), -1)

    def vectors(self, passage_keys: Iterable[str]) -> dict[str, Vectors]:
        """Return the stored raw vectors (d,) of the passages that are here, by key."""
        keys = list(dict.fromkeys(passage_keys))
        rows = self._rows_of("SELECT passage_key, vector FROM chunks WHERE passage_key IN", keys)
        return {key: np.frombuffer(blob, dtype="<f4") for key, blob in rows}

    def _rows_of(self, query: str, keys: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query that ends in IN for any number of keys, as many at once as SQLite
        takes.
        """
        for first in range(0, len(keys), _MAX_VARIABLES):
            batch = keys[first : first + _MAX_VARIABLES]
            yield from self._rows(f"{query} ({','.join('?' * len(batch))})", batch)
