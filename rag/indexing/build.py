"""Build an index: read, fold duplicates, chunk, embed, align, store."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rag.embedding.alignment import Alignment, VectorSum, shipped_alignment
from rag.embedding.base import Embedder, Vectors
from rag.errors import CorpusError, LibraryIndexError
from rag.indexing.changing.file_changes import base_of, found_files, read_change
from rag.indexing.decisions import Decisions, load_decisions
from rag.indexing.dedup.folding import DedupResult
from rag.indexing.embed_chunks import Embed, UnfinishedVectors, unfinished_vectors
from rag.indexing.engine import HERE, Engine
from rag.indexing.files import printable
from rag.indexing.folded import fold, planted
from rag.indexing.passages import chunk_tokens, make_passages
from rag.indexing.readers import check_mapping, nothing_readable
from rag.indexing.works import has_both_languages, paper_vectors, with_twins
from rag.schema import Paper, Problem, Progress
from rag.store.index import current_catalog
from rag.store.manifest import SCHEMA_VERSION, Manifest
from rag.store.records import InputFile, Inputs
from rag.store.writing import Contents, new_generation, unwritable, write_store, writing


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The result of a build: its manifest, unreadable records, and folded duplicates."""

    manifest: Manifest
    problems: tuple[Problem, ...]
    folded: DedupResult


def build_index(
    paths: Sequence[Path],
    directory: Path,
    load_embedder: Callable[[], Embedder],
    *,
    mapping: Mapping[str, str] | None = None,
    chroma_url: str | None = None,
    engine: Engine = HERE,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Make the index in `directory` contain exactly the papers in `paths`.

    `mapping` says where fields stand in files of another form (`rag.indexing.readers.read_papers`), `engine`
    where the parts run (`rag.indexing.engine`). Reuses
    the vectors of the old index and of an interrupted build. The embedder loads only after reading succeeds.
    The old index stays in use until the new one is complete.

    Raises:
        CorpusError: there is no path, or no abstract in them.
        IndexBusyError: another process is writing this index.
        LibraryIndexError: the index cannot be written.
    """
    check_mapping(mapping)
    papers, files, problems = _read(paths, mapping, engine, progress)
    origin = tuple(printable(os.path.realpath(path)) for path in paths)
    return index_papers(
        papers,
        problems,
        origin,
        directory,
        load_embedder,
        files=files,
        mapping=mapping,
        chroma_url=chroma_url,
        engine=engine,
        progress=progress,
    )


def index_papers(
    papers: Sequence[Paper],
    problems: tuple[Problem, ...],
    origin: tuple[str, ...],
    directory: Path,
    load_embedder: Callable[[], Embedder],
    *,
    files: tuple[InputFile, ...] = (),
    mapping: Mapping[str, str] | None = None,
    chroma_url: str | None = None,
    engine: Engine = HERE,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Make the index in `directory` contain `papers`, as `build_index` does.

    `origin` names the paths for messages; `files` are the stamps of the files that were read.
    """
    progress("Folding", 0, 1)
    decisions = load_decisions(directory)
    folded, records = fold(papers, decisions, engine)
    progress("Folding", 1, 1)
    problems = (*problems, *planted(folded.kept))
    embedder = load_embedder()
    with writing(directory), unfinished(directory) as kept_vectors:
        inputs = Inputs(tuple(records), files, problems)
        embed = partial(engine.map_with, load_embedder, _embedded) if engine.remote else None
        contents = _contents(folded, decisions, inputs, embedder, directory, kept_vectors, progress, embed)
        manifest = _manifest(embedder, contents.alignment, origin, chroma_url)
        manifest = replace(manifest, mapping=dict(mapping or {}))
        progress("Storing", 0, 1)
        manifest = write_store(directory, manifest, contents)
        progress("Storing", 1, 1)
    return BuildReport(manifest, problems, folded)


def _manifest(
    embedder: Embedder, alignment: Alignment, origin: tuple[str, ...], chroma_url: str | None
) -> Manifest:
    """Return the manifest of a new generation; the store fills in the counts."""
    return Manifest(
        schema_version=SCHEMA_VERSION,
        generation=new_generation(),
        embedding_model=embedder.name,
        embedding_digest=embedder.digest,
        chunk_tokens=chunk_tokens(embedder),
        alignment_digest=alignment.digest,
        alignment_origin="package" if shipped_alignment(embedder.name).means else "corpus",
        inputs=origin,
        chroma_url=chroma_url,
    )


@contextmanager
def unfinished(directory: Path) -> Iterator[UnfinishedVectors]:
    """Open the vectors of an interrupted build, which go when the block ends without an error.

    Raises:
        LibraryIndexError: the index cannot be written.
    """
    try:
        with unfinished_vectors(directory) as vectors:
            yield vectors
    except sqlite3.Error as error:
        raise unwritable(directory, error) from error


def _read(
    paths: Sequence[Path], mapping: Mapping[str, str] | None, engine: Engine, progress: Progress
) -> tuple[list[Paper], tuple[InputFile, ...], tuple[Problem, ...]]:
    if not paths:
        raise CorpusError("Name at least one file or folder of abstracts, as in `rag index corpus`.")
    found = list(found_files(paths, base_of(paths, {})))
    papers: list[Paper] = []
    files: list[InputFile] = []
    problems: list[Problem] = []
    read = engine.map(partial(read_change, mapping=mapping), found)
    for done, change in enumerate(read):
        progress("Reading", done, len(found))
        papers += change.papers
        problems += change.problems
        files += [change.stamp] if change.stamp else []
    progress("Reading", len(found), len(found))
    if not papers:
        raise CorpusError(nothing_readable(paths, problems))
    return papers, tuple(files), tuple(problems)


def _known(directory: Path, keys: Sequence[str]) -> dict[str, Vectors]:
    """Return the vectors of the current index for `keys`; empty if there is no readable index."""
    try:
        with closing(current_catalog(directory)) as catalog:
            return catalog.vectors(keys)
    except (LibraryIndexError, sqlite3.Error):  # this build replaces a damaged index
        return {}


def _embedded(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    return embedder.embed_passages(texts)


def _contents(
    folded: DedupResult,
    decisions: Decisions,
    inputs: Inputs,
    embedder: Embedder,
    directory: Path,
    kept_vectors: UnfinishedVectors,
    progress: Progress,
    embed: Embed | None,
) -> Contents:
    """Chunk, embed and align the kept papers, with the vectors of the current index reused."""

    def lookup(keys: Sequence[str]) -> Mapping[str, Vectors]:
        return _known(directory, keys)

    passages = make_passages(folded.kept, embedder, lookup, kept_vectors, progress, embed)
    languages = [chunk.language for chunk in passages.chunks]
    sums = VectorSum.by_language(passages.vectors, languages)
    alignment = shipped_alignment(embedder.name).for_library(sums)
    aligned = alignment.apply_each(passages.vectors, languages, "passage")
    papers = {paper.paper_id: paper for paper in folded.kept}
    if has_both_languages(papers):
        progress("Translations", 0, 1)
        owners = [chunk.paper_id for chunk in passages.chunks]
        vectors = paper_vectors(list(papers), owners, languages, passages.vectors, alignment)
        papers = with_twins(papers, vectors, decisions, embedder.name)
        progress("Translations", 1, 1)
    return Contents(papers, passages, aligned, alignment, inputs)
