"""The lexical index: BM25 over terms, filtered by language, source and year; a folder written by tantivy.

tantivy's block-max WAND skips what cannot be among the best, and its files are memory-mapped. Each language
has an index of its own, so that idf and mean length are its own. Both are taken over all segments at search
time, so scores do not depend on the order of writing. See docs/decisions.md#lexical-index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rag.errors import LibraryIndexError
from rag.schema import Language

if TYPE_CHECKING:
    from tantivy import Document, Query, Schema

# Name and size of every file but locks, written last: tantivy checks its files, but panics on one that is
# cut short.
_SIZES = "sizes.json"
_WRITE_BUFFER = 100_000_000  # bytes a language; 50,000 abstracts then fit one segment
_CHANGE_BUFFER = 15_000_000  # bytes a language for a change: tantivy's minimum
_LANGUAGES: tuple[Language, ...] = get_args(Language)


def lexical_path(catalog: Path) -> Path:
    """Return the folder of the lexical index of a catalogue."""
    return catalog.with_suffix(".lexical")


@dataclass(frozen=True, slots=True)
class LexicalDocument:
    """One chunk as it is indexed: its number and terms, and what it can be filtered by."""

    number: int
    terms: Sequence[str]
    language: Language
    files: Sequence[str]
    year: int | None


@dataclass(frozen=True, slots=True)
class LexicalFilter:
    """Conditions that must all hold.

    Of `files`, exact names, any will do; of `numbers` too. None sets no condition. With `every` a document
    must have all terms that are searched.
    """

    language: Language | None = None
    files: Sequence[str] | None = None
    year_from: int | None = None
    year_to: int | None = None
    numbers: Sequence[int] | None = None
    every: bool = False


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
            indexes = {language: tantivy.Index.open(str(path / language)) for language in _LANGUAGES}
            for index in indexes.values():
                index.config_reader("manual")  # nothing to watch for: a change makes another folder
            self._searchers = {language: index.searcher() for language, index in indexes.items()}

    def search(self, terms: Iterable[str], k: int, where: LexicalFilter) -> list[tuple[int, float]]:
        """Return up to `k` (number, BM25) of the documents with any of `terms`, best first, ties by
        number.
        """
        if not (query := _query(terms, where)):
            return []
        found: list[tuple[int, float]] = []
        for language in (where.language,) if where.language else _LANGUAGES:
            searcher = self._searchers[language]
            with self._damage():
                hits = searcher.search(query, k, count=False).hits
                numbers = searcher.fast_field_values("number", [address for _, address in hits])
            found += [(int(n or 0), float(score)) for n, (score, _) in zip(numbers, hits, strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def count(self) -> int:
        """Return how many documents there are."""
        return sum(int(searcher.num_docs) for searcher in self._searchers.values())

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError) as error:  # tantivy raises nothing but ValueError
            raise LibraryIndexError(
                f"The lexical index {self._path} is damaged ({error}); mend it with `rag doctor --fix`."
            ) from error


def _query(terms: Iterable[str], where: LexicalFilter) -> Query | None:
    from tantivy import Occur, Query

    schema = _schema()
    needed = Occur.Must if where.every else Occur.Should
    any_term = [(needed, Query.term_query(schema, "terms", term, "freq")) for term in terms]
    if not any_term:
        return None
    query = Query.boolean_query(any_term)
    conditions = [Query.const_score_query(condition, 0.0) for condition in _conditions(schema, where)]
    return Query.boolean_query([(Occur.Must, part) for part in (query, *conditions)]) if conditions else query


def _conditions(schema: Schema, where: LexicalFilter) -> Iterator[Query]:
    from tantivy import FieldType, Query

    if where.numbers is not None:
        yield Query.term_set_query(schema, "number", list(where.numbers))
    if where.files is not None:
        yield Query.term_set_query(schema, "file", where.files)
    if where.year_from is not None or where.year_to is not None:
        yield Query.range_query(schema, "year", FieldType.Integer, where.year_from, where.year_to)


def write_lexical(path: Path, documents: Iterable[LexicalDocument]) -> None:
    """Write a new index into folder `path`.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    for language in _LANGUAGES:
        (path / language).mkdir(parents=True)
    _write(path, (), documents, _WRITE_BUFFER)


def change_lexical(path: Path, removed: Sequence[int], documents: Iterable[LexicalDocument]) -> None:
    """Take the documents with the numbers `removed` out of the index in `path`, and add `documents`.

    Existing files stay as they are or are deleted, so links to them are safe.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    (path / _SIZES).unlink()  # a link to another generation's file
    _write(path, removed, documents, _CHANGE_BUFFER)


def _write(
    path: Path, removed: Sequence[int], documents: Iterable[LexicalDocument], buffer_bytes: int
) -> None:
    import tantivy

    with _disk_errors(path):
        writers = {
            language: tantivy.Index(_schema(), path=str(path / language)).writer(buffer_bytes, 1)
            for language in _LANGUAGES
        }
        if removed:  # not by term, which takes every number for a signed one and finds none
            those = tantivy.Query.term_set_query(_schema(), "number", list(removed))
            for writer in writers.values():
                writer.delete_documents_by_query(those)
    for document in documents:
        record = _record(document)
        with _disk_errors(path):
            writers[document.language].add_document(record)
    for writer in writers.values():
        with _disk_errors(path):
            writer.commit()
            writer.wait_merging_threads()
    (path / _SIZES).write_text(json.dumps(_sizes(path)), encoding="utf-8")


def _record(document: LexicalDocument) -> Document:
    import tantivy

    record = tantivy.Document(terms=[" ".join(document.terms)])
    record.add_unsigned("number", document.number)
    for file in document.files:
        record.add_text("file", file)
    if document.year is not None:
        record.add_integer("year", document.year)
    return record


def _sizes(path: Path) -> dict[str, int]:
    files = sorted(file for language in _LANGUAGES for file in (path / language).iterdir())
    return {f"{file.parent.name}/{file.name}": file.stat().st_size for file in files if file.name[0] != "."}


@cache
def _schema() -> Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("file", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("year", indexed=True, fast=True)
    builder.add_unsigned_field("number", fast=True, indexed=True)
    return builder.build()


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # tantivy's only exception, here always about its files
        raise OSError(f"{path}: {error}") from error
