"""The index of a data set, kept between runs under a name made from the documents and the embedder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.align import Vectors
from rag.alignments import fitted_alignment
from rag.code_digest import code_digest
from rag.dataset_records import Dataset
from rag.errors import CorpusError, LibraryIndexError
from rag.indexing import index_papers
from rag.passages import PassageEmbedder, Progress
from rag.store import Manifest

_BUILT_BY = "built-by"


@dataclass(frozen=True, slots=True)
class DatasetIndex:
    """Where the index of a data set lies; `seconds` it took now (None: it was there), `embedded` passages now."""

    directory: Path
    seconds: float | None
    embedded: int


def dataset_index(
    dataset: Dataset,
    embedder: PassageEmbedder,
    cache: Path,
    progress: Progress = lambda stage, done, total: None,
) -> DatasetIndex:
    """Return the index of the data set's documents below `cache`, built if it is not there.

    The folder's name says documents and embedder; a file in it says the code that built it (every module that
    `rag.indexing` imports, and the fitted alignments). Where only the code has changed, the index is built again
    from the vectors it has, so a change of alignment, analysis or folding costs no embedding; one that was
    stopped goes on where it was.

    Raises:
        CorpusError: no document holds a word.
        IndexBusyError: another process is building it.
        LibraryIndexError: it cannot be written.
    """
    name = hashlib.sha256(f"{dataset.documents_digest}\n{embedder.digest}".encode()).hexdigest()[:16]
    directory = cache / "evaluate" / name
    fitted = fitted_alignment(embedder.name, embedder.digest)
    code = code_digest("indexing") + (f" {fitted.alignment.digest}" if fitted.origin == "fitted" else "")
    if _is_current(directory, code):
        return DatasetIndex(directory, None, 0)
    counted = _Counted(embedder)
    started = time.perf_counter()
    papers = dataset.papers()
    if not papers:
        raise CorpusError(f"No document of {dataset.name} holds a word; give a data set with texts.")
    index_papers(papers, (), (dataset.name,), directory, lambda: counted, progress=progress)
    seconds = time.perf_counter() - started
    (directory / _BUILT_BY).write_text(code, encoding="ascii")
    return DatasetIndex(directory, seconds, counted.embedded)


class _Counted:
    """An embedder that counts the passages it embeds, so that index time is not mistaken for embedding time."""

    def __init__(self, embedder: PassageEmbedder) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.digest = embedder.digest
        self.max_tokens = embedder.max_tokens
        self.embedded = 0

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        return self._embedder.embed_passages(texts)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)


def _is_current(directory: Path, code: str) -> bool:
    try:
        Manifest.read(directory)
        return (directory / _BUILT_BY).read_text(encoding="ascii") == code
    except (LibraryIndexError, OSError, UnicodeDecodeError):
        return False
