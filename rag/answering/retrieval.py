"""Hybrid retrieval over two languages: dense and BM25 candidates of each, fused into one ranking."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from rag.embedding.alignment import Alignment
from rag.embedding.base import QueryEmbedder, Vectors
from rag.schema import LANGUAGES, Chunk, Filters, Language, Paper, ScoredChunk
from rag.text.language import to_simplified

# See docs/decisions.md#hybrid-retrieval for how these constants were chosen.
# Share of the dense z-score in the fused score, BM25 has the rest; higher trusts vectors more.
DENSE_WEIGHT = 0.5
# Candidates of each retriever and language before fusion.
CANDIDATES = 50


class SearchableStore(Protocol):
    """The part of `rag.store.index.Store` that retrieval needs."""

    alignment: Alignment

    def dense(
        self, vector: Vectors, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, cosine), best first."""

    def lexical(
        self, query: str, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, BM25), best first."""

    def cosines(self, vector: Vectors, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        """Return the cosine of each known chunk."""

    def chunks(self, chunk_ids: Sequence[str]) -> Mapping[str, tuple[Paper, Chunk]]:
        """Return each known chunk with its paper."""


def retrieve(
    store: SearchableStore,
    embedder: QueryEmbedder,
    query: str,
    language: Language,
    k: int,
    filters: Filters | None = None,
) -> list[ScoredChunk]:
    """Return up to `k` papers that pass `filters`, each with its best chunk, best first.

    Both retrievers return candidates of each language separately, so that neither language crowds out the
    other. Of an abstract and its translation one is returned (`one_text_each`).
    """
    query = to_simplified(query)
    vector = query_vector(embedder, store.alignment, query, language)
    size = max(CANDIDATES, k)
    dense: dict[str, float] = {}
    lexical: dict[str, float] = {}
    for candidates in LANGUAGES:
        dense |= dict(store.dense(vector, size, candidates, filters))
        lexical |= dict(store.lexical(query, size, candidates, filters))
    dense |= store.cosines(vector, [chunk_id for chunk_id in lexical if chunk_id not in dense])
    found = store.chunks(list(dense))
    languages = {chunk_id: chunk.language for chunk_id, (_, chunk) in found.items()}
    fused = fuse(dense, lexical, languages, language)
    best: dict[str, ScoredChunk] = {}
    for chunk_id in sorted(fused, key=lambda c: (-fused[c], c)):
        paper, chunk = found[chunk_id]
        if paper.paper_id not in best:
            best[paper.paper_id] = ScoredChunk(
                paper, chunk, fused[chunk_id], dense[chunk_id], lexical.get(chunk_id)
            )
    return one_text_each(list(best.values()), language)[:k]


def one_text_each(results: Sequence[ScoredChunk], language: Language) -> list[ScoredChunk]:
    """Return one text of each work, in the place of the best, in `language` if it was found in it too."""
    works: dict[str, ScoredChunk] = {}
    for result in results:
        work = result.paper.work
        if work not in works:
            works[work] = result
        elif result.paper.language == language != works[work].paper.language:
            works[work] = replace(result, score=works[work].score)
    return list(works.values())


def query_vector(embedder: QueryEmbedder, alignment: Alignment, query: str, language: Language) -> Vectors:
    """Return the aligned vector of a question, shape (1, d); Traditional characters become Simplified."""
    return alignment.apply(embedder.embed_query(to_simplified(query)), language, "query")


def fuse(
    similarity: Mapping[str, float],
    lexical: Mapping[str, float],
    languages: Mapping[str, Language],
    query_language: Language,
) -> dict[str, float]:
    """Fuse dense and BM25 scores as weighted z-scores, without letting BM25 lower the other language.

    `similarity` (cosine) has every candidate; a candidate that BM25 did not return scores 0
    there. Similarity is standardised by the nearest candidates of both languages, BM25 within each language.
    A low BM25 score means nothing across languages, so a chunk of the other language keeps at least its dense
    z-score. A high one may come from a common word that no other text of that language has, as in an English
    title: of a chunk farther than the mean it counts no more than the best in the question's language.
    """
    dense = _z_scores(similarity, sorted(similarity.values(), reverse=True)[: CANDIDATES * len(LANGUAGES)])
    words: dict[str, float] = {}
    for stored in LANGUAGES:
        own = {c: lexical.get(c, 0.0) for c, language in languages.items() if language == stored}
        words |= _z_scores(own, list(own.values()))
    held = (words[c] for c, language in languages.items() if language == query_language and lexical.get(c))
    best = max(held, default=math.inf)
    fused = {}
    for chunk_id, language in languages.items():
        near = language == query_language or dense[chunk_id] >= 0
        word = words[chunk_id] if near else min(words[chunk_id], best)
        mixed = DENSE_WEIGHT * dense[chunk_id] + (1 - DENSE_WEIGHT) * word
        fused[chunk_id] = mixed if language == query_language else max(mixed, dense[chunk_id])
    return fused


def _z_scores(scores: Mapping[str, float], sample: Sequence[float]) -> dict[str, float]:
    """Return `scores` minus the mean of `sample`, divided by its standard deviation."""
    mean = statistics.fmean(sample) if sample else 0.0
    deviation = statistics.pstdev(sample, mean) if sample else 0.0
    return {key: (score - mean) / (deviation or 1.0) for key, score in scores.items()}
