"""The language alignment for LlamaIndex: a wrapper around any of its embedding models.

    index = VectorStoreIndex.from_documents(documents, embed_model=AlignedEmbedding.default())

Better, and for any other model, centre it on the texts at hand, as an index of citefold does:

    AlignedEmbedding(embedding).centred_on(texts)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from rag.embedding.alignment import Alignment, Kind, shipped_alignment, stack
from rag.embedding.embedder import LocalEmbedder, load_embedder
from rag.models import defaults as models
from rag.schema import LANGUAGES, Language
from rag.settings import DEFAULT_EMBEDDING_MODEL
from rag.text.language import detect_language, to_simplified


class AlignedEmbedding(BaseEmbedding):
    """A LlamaIndex embedding model whose English and Chinese vectors lie in one space, L2-normalised.

    The language of each text is told from the text. Queries in Traditional characters are read as
    Simplified ones.
    """

    _embedding: BaseEmbedding = PrivateAttr()
    _alignment: Alignment = PrivateAttr()

    def __init__(self, embedding: BaseEmbedding, alignment: Alignment | None = None, **fields: Any) -> None:
        """Wrap `embedding`; without an `alignment` its vectors are only normalised.

        `model_name` says model and alignment, so that LlamaIndex's caches of transformations tell them apart.
        """
        alignment = alignment or Alignment()
        named: dict[str, Any] = {
            "model_name": f"{embedding.model_name}, aligned {alignment.digest}",
            "embed_batch_size": embedding.embed_batch_size,
            "num_workers": embedding.num_workers,
        }
        super().__init__(**named | fields)
        self._embedding = embedding
        self._alignment = alignment

    @classmethod
    def default(cls, threads: int | None = None) -> AlignedEmbedding:
        """Return citefold's default model with its shipped language means, fetched if need be.

        Raises:
            ModelError: it is not on this machine and cannot be fetched.
        """
        name = DEFAULT_EMBEDDING_MODEL
        return cls.of(load_embedder(name, models.ensure(name), threads=threads))

    @classmethod
    def of(cls, embedder: LocalEmbedder) -> AlignedEmbedding:
        """Return the model of one of citefold's embedders with the means that are shipped for it."""
        return cls(embedder.embedding, shipped_alignment(embedder.name))

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex stores."""
        return "AlignedEmbedding"

    @property
    def embedding(self) -> BaseEmbedding:
        """Return the model that is wrapped."""
        return self._embedding

    @property
    def alignment(self) -> Alignment:
        """Return what is applied to each vector."""
        return self._alignment

    def centred_on(self, texts: Sequence[str]) -> AlignedEmbedding:
        """Return the same model centred on `texts` (`Alignment.for_corpus`)."""
        languages = [detect_language(text) for text in texts]
        rows = self._embedding.get_text_embedding_batch(list(texts))
        own = {
            language: stack(
                [row for row, la in zip(rows, languages, strict=True) if la == language], len(rows[0])
            )
            for language in LANGUAGES
            if language in languages
        }
        return type(self)(self._embedding, self._alignment.for_corpus(own))

    def _align(
        self, rows: Sequence[Sequence[float]], languages: Sequence[Language], kind: Kind
    ) -> list[list[float]]:
        if not rows:
            return []
        aligned = self._alignment.apply_each(stack(rows, len(rows[0])), languages, kind)
        result: list[list[float]] = aligned.tolist()
        return result

    def _align_texts(self, rows: Sequence[Sequence[float]], texts: Sequence[str]) -> list[list[float]]:
        return self._align(rows, [detect_language(text) for text in texts], "passage")

    def _align_query(self, row: Sequence[float], query: str) -> list[float]:
        return self._align([row], [detect_language(query)], "query")[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._align_query(self._embedding.get_query_embedding(to_simplified(query)), query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._align_query(await self._embedding.aget_query_embedding(to_simplified(query)), query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._align_texts([self._embedding.get_text_embedding(text)], [text])[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return self._align_texts([await self._embedding.aget_text_embedding(text)], [text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._align_texts(self._embedding.get_text_embedding_batch(texts), texts)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._align_texts(await self._embedding.aget_text_embedding_batch(texts), texts)
