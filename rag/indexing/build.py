"""Build an index: read, fold duplicates, chunk, embed, align, store."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.embedding.alignment import Alignment, shipped_alignment
from rag.embedding.base import Embedder, Vectors, passage, passage_key
from rag.errors import CorpusError, LibraryIndexError
from rag.indexing.chunking import chunk_paper
from rag.indexing.dedup.folding import DedupResult, deduplicate
from rag.indexing.embed_chunks import UnfinishedVectors, embed_passages, unfinished_vectors
from rag.indexing.files import printable
from rag.indexing.readers import read_papers
from rag.schema import Paper, Problem, Progress
from rag.store.catalog import Catalog
from rag.store.index import Contents, new_generation, unwritable, write_store, writing
from rag.store.manifest import SCHEMA_VERSION, Manifest
from rag.text.injection import planted_sentences

# Maximum tokens of a chunk; higher makes fewer chunks. Tuned by benchmarks/chunking.py; see
# docs/decisions.md#chunk-size
CHUNK_TOKENS = 400


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
    chroma_url: str | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Make the index in `directory` contain exactly the papers in `paths`.

    Reuses the vectors of the old index and of an interrupted build. The embedder loads only after reading
    succeeds. The old index stays in use until the new one is complete.

    Raises:
        CorpusError: there is no path, or no abstract in them.
        IndexBusyError: another process is writing this index.
        LibraryIndexError: the index cannot be written.
    """
    papers, problems = _read(paths, progress)
    inputs = tuple(printable(os.path.realpath(path)) for path in paths)
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
    """Make the index in `directory` contain `papers`, as `build_index` does, with `inputs` as origin."""
    folded = deduplicate(papers)
    problems = (*problems, *_planted(folded.kept))
    embedder = load_embedder()
    shipped = shipped_alignment(embedder.name)
    with writing(directory), _unfinished(directory) as unfinished:
        contents = _contents(folded, problems, embedder, shipped, directory, unfinished, progress)
        languages = Counter[str](paper.language for paper in folded.kept)
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            generation=new_generation(),
            embedding_model=embedder.name,
            embedding_digest=embedder.digest,
            chunk_tokens=_chunk_tokens(embedder),
            alignment_digest=contents.alignment.digest,
            alignment_origin="package" if shipped.means else "corpus",
            inputs=inputs,
            records=len(papers),
            papers=len({paper.paper_id for paper in papers}),
            works=len(contents.papers),
            chunks=len(contents.chunks),
            languages=dict(sorted(languages.items())),
            chroma_url=chroma_url,
        )
        progress("Storing", 0, 1)
        write_store(directory, manifest, contents)
        progress("Storing", 1, 1)
    return BuildReport(manifest, problems, folded)


@contextmanager
def _unfinished(directory: Path) -> Iterator[UnfinishedVectors]:
    try:
        with unfinished_vectors(directory) as vectors:
            yield vectors
    except sqlite3.Error as error:
        raise unwritable(directory, error) from error


def _planted(papers: Iterable[Paper]) -> Iterator[Problem]:
    """Report sentences that instruct a language model; users see them, the model does not."""
    for paper in papers:
        for sentence in planted_sentences(paper.text):
            reason = "reads like an instruction to a language model, which will not see it"
            source = paper.sources[0]
            yield Problem(source.file, source.position, f"{reason}: {sentence[:80]!r}")


def _read(paths: Sequence[Path], progress: Progress) -> tuple[list[Paper], tuple[Problem, ...]]:
    if not paths:
        raise CorpusError("Name at least one file or folder of abstracts, as in `rag index corpus`.")
    papers: list[Paper] = []
    problems: list[Problem] = []
    paths = list({os.path.realpath(path): path for path in paths}.values())  # without repeats
    # Names are relative to a common folder, so that files with the same name stay different.
    folders = [path.absolute().parent for path in paths]
    parent = Path(os.path.commonpath(folders)) if len(paths) > 1 else None
    for done, path in enumerate(paths):
        progress("Reading", done, len(paths))
        try:
            reading = read_papers(path, parent)
        except CorpusError as error:
            if len(paths) == 1 or not os.path.lexists(path):
                raise
            problems.append(Problem(printable(path), None, str(error)))
            continue
        papers += reading.papers
        problems += reading.problems
    progress("Reading", len(paths), len(paths))
    if not papers:
        raise CorpusError("None of the paths contains a readable abstract; " + problems[0].reason)
    return papers, tuple(problems)


def _known(directory: Path, keys: Sequence[str]) -> dict[str, Vectors]:
    """Return the vectors of the current index for `keys`; empty if there is no readable index."""
    try:
        with closing(Catalog(directory / Manifest.read(directory).generation / "catalog.sqlite")) as catalog:
            return catalog.vectors(keys)
    except (LibraryIndexError, sqlite3.Error):  # this build replaces a damaged index
        return {}


def _contents(
    folded: DedupResult,
    problems: Sequence[Problem],
    embedder: Embedder,
    shipped: Alignment,
    directory: Path,
    unfinished: UnfinishedVectors,
    progress: Progress,
) -> Contents:
    """Chunk, embed and align the kept papers, with the vectors of the current index reused."""
    papers = {paper.paper_id: paper for paper in folded.kept}
    limit, count = _chunk_tokens(embedder), embedder.count_tokens
    chunks = [
        chunk for paper in folded.kept for chunk in chunk_paper(paper, max_tokens=limit, count_tokens=count)
    ]
    passages = [passage(papers[chunk.paper_id], chunk) for chunk in chunks]
    keys = [passage_key(embedder.digest, text) for text in passages]
    known = _known(directory, keys)
    missing = {key: text for key, text in zip(keys, passages, strict=True) if key not in known}
    known |= embed_passages(missing, embedder, unfinished, progress)
    vectors = np.stack([known[key] for key in keys])
    languages = [chunk.language for chunk in chunks]
    by_language = {
        language: vectors[[own == language for own in languages]] for language in sorted(set(languages))
    }
    alignment = shipped.for_corpus(by_language)
    aligned = alignment.apply_each(vectors, languages, "passage")
    return Contents(papers, chunks, keys, vectors, aligned, alignment, folded.dropped, problems)


def _chunk_tokens(embedder: Embedder) -> int:
    return min(CHUNK_TOKENS, embedder.max_tokens)
