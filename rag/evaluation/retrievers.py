"""The arms of retrieval, each alone and with one part switched off, so that every part shows what it adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rag.answering.retrieval import retrieve
from rag.embedding.base import Embedder, QueryEmbedder, Vectors, passage, passage_key
from rag.indexing.chunking import chunk_paper
from rag.schema import Chunk, Language, Progress
from rag.store.index import Store

DEPTH = 100  # papers of a ranking: the deepest measure is recall@100
# The page and `rag search` show this many, and a fused ranking can depend on how many are asked for.
SHOWN = 10
# Constant of reciprocal rank fusion: Cormack, Clarke and Büttcher 2009, their choice on TREC data.
_RRF = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, embedded once for all arms: `vector` is raw, of shape (1, d)."""

    text: str
    language: Language
    vector: Vectors
    embedder: QueryEmbedder

    def embed_query(self, text: str) -> Vectors:
        """Return the known vector of the question; embed any other text."""
        return self.vector if text == self.text else self.embedder.embed_query(text)


class Library:
    """An open index, with the raw vector of every chunk for the arms that do without the stored ones."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        progress: Progress = lambda stage, done, total: None,
    ) -> None:
        """Cut the papers of `store` into its chunks again, which gives the names of their raw vectors."""
        self.store = store
        tokens = store.manifest.chunk_tokens
        papers = store.catalog.papers()
        self._passages: list[tuple[Chunk, str]] = []
        for number, paper in enumerate(papers):
            progress("Opening", number, len(papers))
            self._passages += [
                (chunk, passage_key(embedder.digest, passage(paper, chunk)))
                for chunk in chunk_paper(paper, max_tokens=tokens, count_tokens=embedder.count_tokens)
            ]
        progress("Opening", len(papers), len(papers))
        self.paper_of = {chunk.chunk_id: chunk.paper_id for chunk, _ in self._passages}

    @cached_property
    def raw(self) -> Vectors:
        """Return the vectors (n, d) as the embedder gave them."""
        known = self.store.catalog.vectors([key for _, key in self._passages])
        return np.stack([known[key] for _, key in self._passages])

    def papers_of(self, chunk_ids: Iterable[str]) -> list[str]:
        """Return the first `DEPTH` papers of ranked chunks, each at the rank of its best chunk."""
        papers: dict[str, None] = {}
        for chunk_id in chunk_ids:
            papers[self.paper_of[chunk_id]] = None
            if len(papers) == DEPTH:
                break
        return list(papers)

    def nearest(self, vectors: Vectors, vector: Vectors) -> list[str]:
        """Return the papers nearest to `vector` (1, d) by cosine, comparing with every row of `vectors`."""
        order = np.argsort(-(vectors @ vector[0]), kind="stable")
        return self.papers_of(self._passages[i][0].chunk_id for i in order)

    def deep(self, search: Callable[[int], Sequence[tuple[str, float]]]) -> list[str]:
        """Return `DEPTH` papers of a search for chunks, asking for more chunks until they are enough."""
        size = DEPTH
        while True:
            hits = search(size)
            papers = self.papers_of(chunk_id for chunk_id, _ in hits)
            if len(papers) == DEPTH or len(hits) < size:
                return papers
            size *= 2


def fused_as_shown(library: Library, asked: Asked) -> list[str]:
    """Return the papers that the product shows for a question, best first."""
    found = retrieve(library.store, asked, asked.text, asked.language, SHOWN)
    return [result.paper.paper_id for result in found]


def fused(library: Library, asked: Asked) -> list[str]:
    """Return the papers as the product ranks them, and then the ones that it would show next."""
    more = retrieve(library.store, asked, asked.text, asked.language, DEPTH)
    shown = fused_as_shown(library, asked)
    return list(dict.fromkeys([*shown, *(result.paper.paper_id for result in more)]))[:DEPTH]


def dense(library: Library, asked: Asked) -> list[str]:
    """Return the papers nearest to the question among the stored, aligned vectors."""
    vector = library.store.alignment.apply(asked.vector, asked.language, "query")
    return library.deep(lambda k: library.store.dense(vector, k))


def lexical(library: Library, asked: Asked) -> list[str]:
    """Return the papers that BM25 finds."""
    return library.deep(lambda k: library.store.lexical(asked.text, k))


def dense_without_alignment(library: Library, asked: Asked) -> list[str]:
    """Return the papers nearest to the question among the vectors as the embedder gave them."""
    return library.nearest(library.raw, asked.vector)


def fused_without_balance(library: Library, asked: Asked) -> list[str]:
    """Return dense and lexical papers by plain reciprocal rank fusion over both languages at once."""
    scores: dict[str, float] = {}
    for ranking in (dense(library, asked), lexical(library, asked)):
        for rank, paper_id in enumerate(ranking, start=1):
            scores[paper_id] = scores.get(paper_id, 0.0) + 1 / (_RRF + rank)
    return sorted(scores, key=lambda paper_id: (-scores[paper_id], paper_id))[:DEPTH]


Arm = Callable[[Library, Asked], list[str]]

RETRIEVERS: Mapping[str, Arm] = {
    "fused": fused,
    "dense": dense,
    "lexical": lexical,
    "dense, no alignment": dense_without_alignment,
    "fused, no language balance": fused_without_balance,
}
