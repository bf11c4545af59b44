"""Turn papers into passages: chunks, and their vectors, of which known ones are not embedded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from rag.embedding.base import Embedder, Vectors, passage, passage_key
from rag.indexing.chunking import chunk_paper
from rag.indexing.embed_chunks import Embed, UnfinishedVectors, embed_passages
from rag.schema import Paper, Progress
from rag.store.catalog_writer import Passages

# Maximum tokens of a chunk; higher makes fewer chunks. Tuned by benchmarks/chunking.py; see
# docs/decisions.md#chunk-size
CHUNK_TOKENS = 400


def chunk_tokens(embedder: Embedder) -> int:
    """Return the maximum tokens of a chunk for this embedder."""
    return min(CHUNK_TOKENS, embedder.max_tokens)


def make_passages(
    papers: Iterable[Paper],
    embedder: Embedder,
    lookup: Callable[[Sequence[str]], Mapping[str, Vectors]],
    unfinished: UnfinishedVectors,
    progress: Progress,
    embed: Embed | None = None,
) -> Passages:
    """Chunk `papers` and embed the chunks; `lookup` returns the raw vectors (d,) that are known, by key.

    `embed` is that of `embed_passages`.
    """
    by_id = {paper.paper_id: paper for paper in papers}
    limit, count = chunk_tokens(embedder), embedder.count_tokens
    chunks = [c for paper in by_id.values() for c in chunk_paper(paper, max_tokens=limit, count_tokens=count)]
    texts = [passage(by_id[chunk.paper_id], chunk) for chunk in chunks]
    keys = [passage_key(embedder.digest, text) for text in texts]
    known = lookup(keys)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    vectors = {**known, **embed_passages(missing, embedder, unfinished, progress, embed)}
    rows = [vectors[key] for key in keys]
    return Passages(chunks, keys, np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32))
