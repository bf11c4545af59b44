"""What is handed to Chroma: chunks as nodes of LlamaIndex, in batches, and the conditions of a filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.embedding.base import Vectors
from rag.schema import Chunk, Filters, Paper

if TYPE_CHECKING:
    from llama_index.core.schema import TextNode

BATCH = 1000  # chunks handed over at once; higher needs more memory


def conditions(filters: Filters) -> dict[str, Any] | None:
    """Return what of the filters is not a language, as Chroma states it."""
    parts: list[dict[str, Any]] = []
    if filters.sources:
        named = [{"sources": {"$contains": name.rstrip("/")}} for name in filters.sources]
        parts.append(named[0] if len(named) == 1 else {"$or": named})
    if filters.year_from is not None:
        parts.append({"year": {"$gte": filters.year_from}})
    if filters.year_to is not None:
        parts.append({"year": {"$lte": filters.year_to}})
    if len(parts) > 1:
        return {"$and": parts}
    return parts[0] if parts else None


def node_of(chunk: Chunk, vector: Vectors, paper: Paper) -> TextNode:
    """Return a chunk of `paper` with its vector (d,)."""
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

    year = {} if paper.year is None else {"year": paper.year}
    return TextNode(
        id_=chunk.chunk_id,
        text=chunk.text,
        embedding=vector.tolist(),
        start_char_idx=chunk.start,
        end_char_idx=chunk.end,
        metadata={
            "paper_id": chunk.paper_id,
            "language": chunk.language,
            "sources": _files_and_folders(paper),
            **year,
        },
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.paper_id)},
    )


def _files_and_folders(paper: Paper) -> list[str]:
    """Return every file the paper was read from and every folder above it, so that either can be asked
    for.
    """
    parts = [source.file.split("/") for source in paper.sources]
    return sorted({"/".join(part[:n]) for part in parts for n in range(1, len(part) + 1)} - {""})


def batches(count: int, logged: int) -> Iterator[Sequence[int]]:
    """Yield the numbers below `count` in batches, the last of which Chroma writes to disk.

    It does so after a batch with which `logged` changes are in the log. So the batches are made of groups
    that have as many, and each group of batches of one size.
    """
    groups = max(1, count // max(logged, BATCH))
    for group in np.array_split(np.arange(count), groups):
        parts = np.array_split(group, max(1, -(-len(group) // BATCH)))
        yield from (part.tolist() for part in parts if len(part))
