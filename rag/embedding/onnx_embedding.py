"""The fast way through the default embedding models, as LlamaIndex knows an embedding model."""

from __future__ import annotations

from typing import Any, Protocol

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from rag.embedding.base import Vectors


class Model(Protocol):
    """What is wrapped; `rag.embedding.onnx.OnnxModel` is one."""

    def embed_passages(self, texts: list[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one question, shape (1, d)."""


class OnnxEmbedding(BaseEmbedding):
    """A LlamaIndex embedding model; safe to use from several threads."""

    _model: Model = PrivateAttr()

    def __init__(self, model: Model, **fields: Any) -> None:
        """Wrap `model`; `fields` are those of `BaseEmbedding`."""
        super().__init__(**fields)
        self._model = model

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex stores."""
        return "OnnxEmbedding"

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self._model.embed_passages(texts).tolist()
        return rows

    def _get_query_embedding(self, query: str) -> list[float]:
        row: list[float] = self._model.embed_query(query)[0].tolist()
        return row

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)
