"""What the rest of the package knows of an embedder, and what is embedded for a chunk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.schema import Chunk, Paper

Vectors = NDArray[np.float32]


def passage(paper: Paper, chunk: Chunk) -> str:
    """Return what is embedded for a chunk: the paper's title, if it has one, and the chunk."""
    return f"{paper.title}\n{chunk.text}" if paper.title else chunk.text


def passage_key(digest: str, text: str) -> str:
    """Return the name under which the vector of a passage is kept: model and text in, 24 characters out."""
    return hashlib.sha256(f"{digest}\n{text}".encode()).hexdigest()[:24]


class QueryEmbedder(Protocol):
    """What retrieval needs of an embedder; `rag.embedding.embedder.LocalEmbedder` is one."""

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one question, shape (1, d)."""


class Embedder(QueryEmbedder, Protocol):
    """An embedder for passages and questions; tests put one without a model in."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def digest(self) -> str:
        """Identifies model and prompts."""

    @property
    def max_tokens(self) -> int:
        """Longest passage, in tokens."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the model sees for `text`."""
