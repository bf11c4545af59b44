"""The vector index: one Chroma collection, on disk or on a Chroma server, through LlamaIndex's store."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from rag.align import Vectors
from rag.errors import LibraryIndexError, SettingsError
from rag.schema import Chunk, Language

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.chroma import ChromaVectorStore

# Settings of the HNSW graph, well above Chroma's defaults (100, 100, 16): an abstract that the graph misses is
# missed by every question, and at these sizes the search stays in the milliseconds.
_EF = 200
_NEIGHBORS = 32
_BATCH = 1000


class VectorIndex:
    """Cosine search over chunk vectors.

    `store` is a LlamaIndex `ChromaVectorStore`; `close()` frees the files. Every failure of Chroma is a
    LibraryIndexError that says where.
    """

    def __init__(self, client: Client, store: ChromaVectorStore, where: str) -> None:
        """Wrap an open collection; use `open_vectors`."""
        self._client = client
        self._where = where
        self.store = store

    def add(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add chunks with their vectors (n, d).

        Raises:
            LibraryIndexError: Chroma failed, or kept fewer than were added (it ignores an id it has already).
        """
        before = self.count()
        with _failures(self._where):
            for first in range(0, len(chunks), _BATCH):
                step = slice(first, first + _BATCH)
                self.store.add([_node(*pair) for pair in zip(chunks[step], vectors[step], strict=True)])
        if self.count() - before != len(chunks):
            raise LibraryIndexError("Two chunks share an id, so Chroma dropped one; run `rag index` again.")

    def search(self, vector: Vectors, k: int, language: Language | None = None) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, cosine) nearest to `vector` of shape (1, d), best first."""
        from llama_index.core.vector_stores import MetadataFilter, MetadataFilters, VectorStoreQuery

        filters = (
            MetadataFilters(filters=[MetadataFilter(key="language", value=language)]) if language else None
        )
        with _failures(self._where):
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
        with _failures(self._where):
            size: int = self.store.client.count()
        return size

    def close(self) -> None:
        """Release the client."""
        self._client.close()


def open_vectors(directory: Path, collection: str, *, url: str | None, create: bool = False) -> VectorIndex:
    """Open (or create) a collection in `directory`, or on the Chroma server at `url`.

    Raises:
        LibraryIndexError: the server does not answer, or the collection is not there.
        SettingsError: `url` is not a URL of the form http://host:port.
    """
    from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration
    from llama_index.vector_stores.chroma import ChromaVectorStore

    graph = CreateHNSWConfiguration(
        space="cosine", ef_construction=_EF, ef_search=_EF, max_neighbors=_NEIGHBORS
    )
    where = url or str(directory)
    with _failures(where):
        client = _client(directory, url)
        found = (
            client.create_collection(
                collection, configuration=CreateCollectionConfiguration(hnsw=graph), embedding_function=None
            )
            if create
            else client.get_collection(collection, embedding_function=None)
        )
    return VectorIndex(client, ChromaVectorStore(chroma_collection=found), where)


def drop_collection(url: str, collection: str) -> None:
    """Delete a collection from a Chroma server; one that is gone already, or a server that is, is no error."""
    try:
        with _failures(url), closing(_client(Path(), url)) as client:
            client.delete_collection(collection)
    except LibraryIndexError:
        return


def server_address(url: str) -> tuple[str, int, bool]:
    """Return host, port and whether TLS is used, of the URL of a Chroma server.

    Raises:
        SettingsError: it is not of the form http://host:port.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in {"http", "https"}:
        raise SettingsError(f"RAG_CHROMA_URL must look like http://host:8000, not {url!r}.")
    return host, port or 8000, parts.scheme == "https"


def _client(directory: Path, url: str | None) -> Client:
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if not url:
        return cast("Client", chromadb.PersistentClient(path=str(directory), settings=settings))
    host, port, ssl = server_address(url)
    return cast("Client", chromadb.HttpClient(host=host, port=port, ssl=ssl, settings=settings))


def _node(chunk: Chunk, vector: Vectors) -> TextNode:
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

    return TextNode(
        id_=chunk.chunk_id,
        text=chunk.text,
        embedding=vector.tolist(),
        start_char_idx=chunk.start,
        end_char_idx=chunk.end,
        metadata={"paper_id": chunk.paper_id, "language": chunk.language},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.paper_id)},
    )


@contextmanager
def _failures(where: str) -> Iterator[None]:
    """Turn what Chroma and its connection raise into one sentence."""
    import httpx
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, httpx.HTTPError, OSError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise LibraryIndexError(
            f"Chroma at {where} failed ({reason}); start the server, free some space, or build the index again "
            "with `rag index`."
        ) from error
