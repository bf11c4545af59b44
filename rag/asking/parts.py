"""The parts of an open library that searching and asking share, each loaded when it is first needed."""

from __future__ import annotations

import threading

from rag.answering.reranking import RERANK_CANDIDATES, Reranker, rerank
from rag.answering.retrieval import retrieve
from rag.embedding.base import Embedder
from rag.embedding.recent import RecentPassages
from rag.factory import configured_embedder, configured_reranker
from rag.in_use import InUse
from rag.schema import Filters, Language, ScoredChunk
from rag.settings import Settings
from rag.store.index import Store
from rag.store.live_index import LiveIndex
from rag.store.manifest import has_index


class Parts:
    """The index, the settings and language model in use, the embedder and the reranker.

    Safe to use from several threads.
    """

    def __init__(
        self,
        in_use: InUse,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
        *,
        missing_ok: bool = False,
    ) -> None:
        """Open the index that the settings name; models that are not given are loaded when needed.

        Raises:
            IndexMissingError, IndexMismatchError, LibraryIndexError: the index cannot be used.
        """
        self.in_use = in_use
        self._missing_ok = missing_ok
        self._embedder = RecentPassages(embedder) if embedder else None
        self._reranker = reranker
        self._lock = threading.RLock()
        self.index = LiveIndex(
            self.settings.index, self.embedding_model, self.settings.chroma_url, missing_ok=missing_ok
        )

    def close(self) -> None:
        """Free the models and the index's files."""
        self.in_use.close()
        self.index.close()

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self.in_use.settings

    @property
    def is_missing(self) -> bool:
        """Whether there is no index yet, where that is allowed."""
        return self._missing_ok and not has_index(self.settings.index)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask: no abstract, or no index where that is allowed."""
        if self.is_missing:
            return True
        with self.index.reading() as store:
            return store.manifest.works == 0

    @property
    def state(self) -> tuple[str, str]:
        """The generation of the index, "" without one, and the name of the language model."""
        if self.is_missing:
            return "", self.in_use.llm.name
        with self.index.reading() as store:
            return store.manifest.generation, self.in_use.llm.name

    @property
    def embedder(self) -> RecentPassages | None:
        """The embedder, None while it is not loaded."""
        return self._embedder

    @property
    def embedding_model(self) -> str:
        """The name of the embedder, loaded or not."""
        return self._embedder.name if self._embedder else self.settings.embedding_model

    def loaded_embedder(self) -> RecentPassages:
        """Return the embedder, loaded at the first call.

        Raises:
            ModelError: its files are missing or wrong.
            IndexMismatchError: the index was made by another one.
        """
        with self._lock:
            embedder = self._embedder or RecentPassages(configured_embedder(self.settings))
            if not self.is_missing:
                with self.index.reading() as store:
                    store.manifest.check(self.settings.index, {"embedding_digest": embedder.digest})
            self._embedder = embedder
            return embedder

    def loaded_reranker(self) -> Reranker | None:
        """Return the reranker, loaded at the first call; None where the settings name none."""
        with self._lock:
            self._reranker = self._reranker or configured_reranker(self.settings)
            return self._reranker

    def retrieve(
        self, store: Store, query: str, language: Language, k: int, filters: Filters | None
    ) -> list[ScoredChunk]:
        """Return up to `k` papers that pass `filters`, best first, each with its best chunk."""
        embedder, reranker = self.loaded_embedder(), self.loaded_reranker()
        if reranker is None:
            return retrieve(store, embedder, query, language, k, filters)
        found = retrieve(store, embedder, query, language, max(k, RERANK_CANDIDATES), filters)
        return rerank(reranker, query, found)[:k]
