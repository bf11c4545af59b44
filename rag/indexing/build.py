"""Build an index: read, fold duplicates, chunk, embed, align, store."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.embedding.alignment import fitted_alignment
from rag.embedding.base import Embedder, Vectors, passage, passage_key
from rag.errors import CorpusError, LibraryIndexError
from rag.indexing.chunking import chunk_paper
from rag.indexing.dedup.folding import DedupResult, deduplicate
from rag.indexing.embed_chunks import UnfinishedVectors, embed_passages, unfinished_vectors
from rag.indexing.readers import read_papers
from rag.schema import Chunk, Language, Paper, Problem, Progress
from rag.store.catalog import Catalog
from rag.store.index import Contents, new_generation, unwritable, write_store, writing
from rag.store.manifest import SCHEMA_VERSION, Manifest
from rag.text.injection import planted_sentences

# Longest chunk, in the embedding model's tokens. On 240 papers of bilingual_arxiv/train (benchmarks/chunking.py)
# 256 and 400 find the right abstract first equally often (.85 and .83 en->zh, .97 and .95 zh->en, intervals
# overlap), 128 and 64 less often; 400 makes a quarter fewer chunks, most abstracts being one.
CHUNK_TOKENS = 400


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What an index build did: the manifest written, what could not be read, what was folded."""

    manifest: Manifest
    problems: tuple[Problem, ...]
    folded: DedupResult


def build_index(
    paths: Sequence[Path],
    directory: Path,
    load_embedder: Callable[[], Embedder],
    *,
    chroma_url: str | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Make the index in `directory` hold exactly what `paths` hold.

    Vectors of passages that the index there already has are reused, so adding a file costs its own
    embedding only, and so are those of a build that was stopped. The embedder is loaded once something to embed was read. The old index stays in use until the
    new one is complete.

    Raises:
        CorpusError: no path, or nothing readable in them.
        IndexBusyError: another process is writing this index.
        LibraryIndexError: the index cannot be written.
    """
    papers, problems = _read(paths, progress)
    inputs = tuple(_shown(os.path.realpath(path)) for path in paths)
    return index_papers(
        papers, problems, inputs, directory, load_embedder, chroma_url=chroma_url, progress=progress
    )


def index_papers(
    papers: Sequence[Paper],
    problems: tuple[Problem, ...],
    inputs: tuple[str, ...],
    directory: Path,
    load_embedder: Callable[[], Embedder],
    *,
    chroma_url: str | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Make the index in `directory` hold `papers`; `inputs` says in the manifest where they were read.

    Raises:
        IndexBusyError: another process is writing this index.
        LibraryIndexError: the index cannot be written.
        ModelError: the alignment fitted for the embedding model cannot be read.
    """
    folded = deduplicate(papers)
    problems = (*problems, *_planted(folded.kept))
    embedder = load_embedder()
    fitted = fitted_alignment(embedder.name, embedder.digest)
    with writing(directory), _kept_vectors(directory) as unfinished:
        kept = {paper.paper_id: paper for paper in folded.kept}
        tokens = min(CHUNK_TOKENS, embedder.max_tokens)
        chunks = [
            chunk
            for paper in kept.values()
            for chunk in chunk_paper(paper, max_tokens=tokens, count_tokens=embedder.count_tokens)
        ]
        keys, vectors = _embed(kept, chunks, embedder, directory, unfinished, progress)
        alignment = fitted.alignment.for_corpus(_by_language(chunks, vectors))
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            generation=new_generation(),
            embedding_model=embedder.name,
            embedding_digest=embedder.digest,
            chunk_tokens=tokens,
            alignment_digest=alignment.digest,
            alignment_origin=fitted.origin,
            inputs=inputs,
            records=len(papers),
            papers=len({paper.paper_id for paper in papers}),
            works=len(kept),
            chunks=len(chunks),
            languages=_languages(kept.values()),
            chroma_url=chroma_url,
        )
        aligned = alignment.apply_each(vectors, [chunk.language for chunk in chunks], "passage")
        progress("Storing", 0, 1)
        write_store(
            directory,
            manifest,
            Contents(kept, chunks, keys, vectors, aligned, alignment, folded.dropped, problems),
        )
        progress("Storing", 1, 1)
    return BuildReport(manifest, problems, folded)


@contextmanager
def _kept_vectors(directory: Path) -> Iterator[UnfinishedVectors]:
    try:
        with unfinished_vectors(directory) as kept:
            yield kept
    except sqlite3.Error as error:
        raise unwritable(directory, error) from error


def _planted(papers: Iterable[Paper]) -> Iterator[Problem]:
    """Name the sentences that tell a language model what to do: they are shown, and never put to it."""
    for paper in papers:
        for sentence in planted_sentences(paper.text):
            source = paper.sources[0]
            reason = (
                f"reads like an instruction to a language model, which will not see it: {sentence[:80]!r}"
            )
            yield Problem(source.file, source.position, reason)


def _read(paths: Sequence[Path], progress: Progress) -> tuple[list[Paper], tuple[Problem, ...]]:
    if not paths:
        raise CorpusError("Name at least one file or folder of abstracts, as in `rag index corpus`.")
    papers: list[Paper] = []
    problems: list[Problem] = []
    paths = list({os.path.realpath(path): path for path in paths}.values())  # a path given twice is read once
    parent = _common_folder(paths)
    for done, path in enumerate(paths):
        progress("Reading", done, len(paths))
        try:
            reading = read_papers(path, parent)
        except CorpusError as error:
            if len(paths) == 1 or not os.path.lexists(path):
                raise
            problems.append(Problem(_shown(path), None, str(error)))
            continue
        papers += reading.papers
        problems += reading.problems
    progress("Reading", len(paths), len(paths))
    if not papers:
        raise CorpusError("None of the paths holds a readable abstract; " + problems[0].reason)
    return papers, tuple(problems)


def _shown(path: Path | str) -> str:
    """Return a path as text that can be stored, odd bytes escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _common_folder(paths: Sequence[Path]) -> Path | None:
    """Return the folder that files of several paths are named from, so that two of one name stay apart."""
    if len(paths) == 1:
        return None
    return Path(os.path.commonpath([path.absolute().parent for path in paths]))


def _known(directory: Path, keys: Sequence[str]) -> dict[str, Vectors]:
    """Return vectors of the current index that can be reused, none when it cannot be read."""
    try:
        catalog_path = directory / Manifest.read(directory).generation / "catalog.sqlite"
    except LibraryIndexError:
        return {}
    if not catalog_path.is_file():
        return {}
    try:
        with closing(Catalog(catalog_path)) as catalog:
            return catalog.vectors(keys)
    except sqlite3.Error:  # a damaged index has nothing to reuse, and is about to be replaced
        return {}


def _embed(
    papers: Mapping[str, Paper],
    chunks: Sequence[Chunk],
    embedder: Embedder,
    directory: Path,
    unfinished: UnfinishedVectors,
    progress: Progress,
) -> tuple[list[str], Vectors]:
    """Return key and raw vector of each chunk's passage, those of the current index reused."""
    passages = [passage(papers[chunk.paper_id], chunk) for chunk in chunks]
    keys = [passage_key(embedder.digest, text) for text in passages]
    known = _known(directory, keys)
    missing = {key: text for key, text in zip(keys, passages, strict=True) if key not in known}
    known |= embed_passages(missing, embedder, unfinished, progress)
    return keys, np.stack([known[key] for key in keys])


def _by_language(chunks: Sequence[Chunk], vectors: Vectors) -> dict[Language, Vectors]:
    languages = {chunk.language for chunk in chunks}
    return {
        language: vectors[[i for i, chunk in enumerate(chunks) if chunk.language == language]]
        for language in sorted(languages)
    }


def _languages(papers: Iterable[Paper]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for paper in papers:
        counts[paper.language] = counts.get(paper.language, 0) + 1
    return dict(sorted(counts.items()))
