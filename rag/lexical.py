"""The lexical index: BM25 over terms, filtered by language, source and year; a folder written by tantivy.

Two searches of 50 candidates, one a language, among 50,000 abstracts (`python -m benchmarks.lexical speed`: CPU
time, with analysis, of 500 titles and questions of 30 words): p95 1.5 ms with tantivy, whose block-max WAND skips
what cannot be among the best; 56 ms with SQLite's FTS5, which scores every row that shares a term. nDCG@10 on
SciFact's training claims is .696 and .692. Files are memory-mapped, so opening reads next to nothing. k1 1.2 and
b 0.75 are fixed in tantivy; idf and mean length are taken over all segments at search time, so scores do not
depend on the order of writing or on how the index came about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import LibraryIndexError
from rag.schema import Language

if TYPE_CHECKING:
    from tantivy import Query, Schema

# Name and size of every file but locks, written last: tantivy checks its files, but panics on one that is cut short.
_SIZES = "sizes.json"
_WRITE_BUFFER = 100_000_000  # bytes; 50,000 abstracts then fit one segment


@dataclass(frozen=True, slots=True)
class LexicalDocument:
    """One chunk as it is indexed: its terms, and what it can be filtered by."""

    terms: Sequence[str]
    language: Language
    files: Sequence[str]
    year: int | None


@dataclass(frozen=True, slots=True)
class LexicalFilter:
    """Conditions that must all hold; `files`, if not None, are exact names of which any will do."""

    language: Language | None = None
    files: Sequence[str] | None = None
    year_from: int | None = None
    year_to: int | None = None


class LexicalIndex:
    """Read access to a finished index; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the index in folder `path`.

        Raises:
            LibraryIndexError: there is none, or it is damaged, which may also show in a search.
        """
        import tantivy

        self._path = path
        with self._damage():
            if json.loads((path / _SIZES).read_bytes()) != _sizes(path):
                raise ValueError("a file is missing or cut short")
            index = tantivy.Index.open(str(path))
            index.config_reader("manual")  # nothing to watch for: an index is never changed
            self._searcher = index.searcher()
        self._schema = index.schema

    def search(self, terms: Iterable[str], k: int, where: LexicalFilter) -> list[tuple[int, float]]:
        """Return up to `k` (number, BM25) of the documents with any of `terms`, best first, ties by number."""
        if not (query := self._query(terms, where)):
            return []
        with self._damage():
            hits = self._searcher.search(query, k, count=False).hits
            numbers = self._searcher.fast_field_values("number", [address for _, address in hits])
        found = [(int(number or 0), float(score)) for number, (score, _) in zip(numbers, hits, strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as error:  # tantivy raises nothing but ValueError
            raise LibraryIndexError(
                f"The lexical index {self._path} is damaged ({error}); build it again with `rag index`."
            ) from error

    def _query(self, terms: Iterable[str], where: LexicalFilter) -> Query | None:
        from tantivy import Occur, Query

        any_term = [(Occur.Should, Query.term_query(self._schema, "terms", t, "freq")) for t in terms]
        if not any_term:
            return None
        query = Query.boolean_query(any_term)
        conditions = [Query.const_score_query(c, 0.0) for c in _conditions(self._schema, where)]
        return (
            Query.boolean_query([(Occur.Must, part) for part in (query, *conditions)])
            if conditions
            else query
        )


def _conditions(schema: Schema, where: LexicalFilter) -> Iterator[Query]:
    from tantivy import FieldType, Query

    if where.language:
        yield Query.term_query(schema, "language", where.language, "basic")
    if where.files is not None:
        yield Query.term_set_query(schema, "file", where.files)
    if where.year_from is not None or where.year_to is not None:
        yield Query.range_query(schema, "year", FieldType.Integer, where.year_from, where.year_to)


def write_lexical(path: Path, documents: Iterable[LexicalDocument]) -> None:
    """Write a new index into folder `path`: document i gets number i.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    import tantivy

    path.mkdir(parents=True)
    with _disk_errors(path):
        writer = tantivy.Index(_schema(), path=str(path)).writer(heap_size=_WRITE_BUFFER, num_threads=1)
    for number, document in enumerate(documents):
        record = tantivy.Document(terms=[" ".join(document.terms)], language=[document.language])
        record.add_unsigned("number", number)
        for file in document.files:
            record.add_text("file", file)
        if document.year is not None:
            record.add_integer("year", document.year)
        with _disk_errors(path):
            writer.add_document(record)
    with _disk_errors(path):
        writer.commit()
        writer.wait_merging_threads()
    (path / _SIZES).write_text(json.dumps(_sizes(path)), encoding="utf-8")


def _sizes(path: Path) -> dict[str, int]:
    files = (file for file in sorted(path.iterdir()) if file.name[0] != "." and file.name != _SIZES)
    return {file.name: file.stat().st_size for file in files}


def _schema() -> Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("file", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("year", indexed=True, fast=True)
    builder.add_unsigned_field("number", fast=True)
    return builder.build()


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # tantivy's only exception, here always about its files
        raise OSError(f"{path}: {error}") from error
