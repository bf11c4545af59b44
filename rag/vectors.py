"""The vector index: one Chroma collection, on disk or on a Chroma server, through LlamaIndex's store."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.align import Vectors
from rag.errors import LibraryIndexError, SettingsError
from rag.schema import Chunk, Language

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from llama_index.vector_stores.chroma import ChromaVectorStore

# Recall of the HNSW graph against exact search stays above .99 for 50,000 abstracts with these.
_EF = 200
_NEIGHBORS = 32
_BATCH = 1000


class VectorIndex:
    """Cosine search over chunk vectors.

    `store` is a LlamaIndex `ChromaVectorStore`; `close()` frees the files.
    """

    def __init__(self, client: ClientAPI, store: ChromaVectorStore, collection: str) -> None:
        """Wrap an open collection; use `open_vectors`."""
        self._client = client
        self._collection = collection
        self.store = store

    def add(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add chunks with their vectors (n, d).

        Raises:
            LibraryIndexError: Chroma kept fewer than were added (it ignores an id that it has already).
        """
        from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

        before = self.count()
        for first in range(0, len(chunks), _BATCH):
            self.store.add(
                [
                    TextNode(
                        id_=chunk.chunk_id,
                        text=chunk.text,
                        embedding=vector.tolist(),
                        start_char_idx=chunk.start,
                        end_char_idx=chunk.end,
                        metadata={"paper_id": chunk.paper_id, "language": chunk.language},
                        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.paper_id)},
                    )
                    for chunk, vector in zip(
                        chunks[first : first + _BATCH], vectors[first : first + _BATCH], strict=True
                    )
                ]
            )
        if self.count() - before != len(chunks):
            raise LibraryIndexError("Two chunks share an id, so Chroma dropped one; run `rag index` again.")

    def search(self, vector: Vectors, k: int, language: Language | None = None) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, cosine) nearest to `vector` of shape (1, d), best first."""
        from llama_index.core.vector_stores import MetadataFilter, MetadataFilters, VectorStoreQuery

        filters = (
            MetadataFilters(filters=[MetadataFilter(key="language", value=language)]) if language else None
        )
        result = self.store.query(
            VectorStoreQuery(query_embedding=vector[0].tolist(), similarity_top_k=k, filters=filters)
        )
        # LlamaIndex gives exp(-distance), Chroma's cosine distance is 1 - cosine.
        return [
            (chunk_id, 1.0 + math.log(score))
            for chunk_id, score in zip(result.ids or [], result.similarities or [], strict=True)
        ]

    def count(self) -> int:
        """Return how many chunks are stored."""
        size: int = self.store.client.count()
        return size

    def drop(self) -> None:
        """Delete the collection."""
        self._client.delete_collection(self._collection)

    def close(self) -> None:
        """Release the client."""
        close: Any = getattr(self._client, "close", None)
        if close is not None:
            close()


def open_vectors(directory: Path, collection: str, *, url: str | None, create: bool = False) -> VectorIndex:
    """Open (or create) a collection in `directory`, or on the Chroma server at `url`.

    Raises:
        LibraryIndexError: the server does not answer, or the collection is not there.
        SettingsError: `url` is not a URL of the form http://host:port.
    """
    import chromadb
    from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration
    from chromadb.config import Settings
    from chromadb.errors import ChromaError
    from llama_index.vector_stores.chroma import ChromaVectorStore

    settings = Settings(anonymized_telemetry=False)
    graph = CreateHNSWConfiguration(
        space="cosine", ef_construction=_EF, ef_search=_EF, max_neighbors=_NEIGHBORS
    )
    where = url or str(directory)
    try:
        if url:
            host, port, ssl = _server(url)
            client = chromadb.HttpClient(host=host, port=port, ssl=ssl, settings=settings)
        else:
            client = chromadb.PersistentClient(path=str(directory), settings=settings)
        found = (
            client.create_collection(
                collection, configuration=CreateCollectionConfiguration(hnsw=graph), embedding_function=None
            )
            if create
            else client.get_collection(collection, embedding_function=None)
        )
    except (ChromaError, OSError, ValueError) as error:
        raise LibraryIndexError(
            f"Chroma at {where} cannot give the collection {collection} ({str(error).splitlines()[0]}); "
            "start the server or build the index again with `rag index`."
        ) from error
    return VectorIndex(client, ChromaVectorStore(chroma_collection=found), collection)


def _server(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"RAG_CHROMA_URL must look like http://host:8000, not {url!r}.")
    return parts.hostname, parts.port or 8000, parts.scheme == "https"
