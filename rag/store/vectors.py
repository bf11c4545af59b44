"""The vector index: one Chroma collection, on disk or on a Chroma server, through LlamaIndex's store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from rag.embedding.base import Vectors
from rag.errors import LibraryIndexError, SettingsError
from rag.network import only_proxy, proxy_for
from rag.schema import LANGUAGES, Chunk, Filters, Language, Paper

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client
    from llama_index.core.schema import BaseNode, TextNode
    from llama_index.vector_stores.chroma import ChromaVectorStore

# Settings of the HNSW graph, well above Chroma's defaults (100, 100, 16): an abstract that the graph misses
# is missed by every question, and at these sizes the search stays in the milliseconds.
_EF = 200
_NEIGHBORS = 32
_BATCH = 1000


class VectorIndex:
    """Cosine search over chunk vectors, one Chroma collection a language.

    Chroma is many times slower with a `where` filter (docs/decisions.md#one-collection-a-language),
    so the language is not a filter. `close()` frees the files. Every failure of Chroma is a
    LibraryIndexError that says where.
    """

    def __init__(self, client: Client, collections: Mapping[Language, Collection], where: str) -> None:
        """Wrap open collections; use `open_vectors`."""
        self._client = client
        self._where = where
        self._collections = collections

    @cached_property
    def stores(self) -> Mapping[Language, ChromaVectorStore]:
        """The collections as LlamaIndex's vector stores, which a search does without: they load slowly."""
        from llama_index.vector_stores.chroma import ChromaVectorStore

        stores = {la: ChromaVectorStore(chroma_collection=found) for la, found in self._collections.items()}
        for store in stores.values():
            store.flat_metadata = False  # LlamaIndex refuses lists, which Chroma takes
        return stores

    def add(self, chunks: Sequence[Chunk], vectors: Vectors, papers: Mapping[str, Paper]) -> None:
        """Add chunks of `papers` (by id) with their vectors (n, d).

        Raises:
            LibraryIndexError: Chroma failed, or has one of the chunks already.
        """
        pairs = list(zip(chunks, vectors, strict=True))
        with _errors(self._where):
            for language, store in self.stores.items():
                nodes = [_node(c, v, papers[c.paper_id]) for c, v in pairs if c.language == language]
                for first in range(0, len(nodes), _BATCH):
                    _add(store, nodes[first : first + _BATCH])

    def remove(self, chunks: Iterable[tuple[str, Language]]) -> None:
        """Take out chunks, named by chunk_id and language; those that are not there are no error.

        Raises:
            LibraryIndexError: Chroma failed.
        """
        wanted = list(chunks)
        with _errors(self._where):
            for language, collection in self._collections.items():
                ids = [chunk_id for chunk_id, own in wanted if own == language]
                for first in range(0, len(ids), _BATCH):
                    collection.delete(ids=ids[first : first + _BATCH])

    def search(
        self, vector: Vectors, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, cosine) nearest to `vector` of shape (1, d), best first."""
        filters = filters or Filters()
        asked = {language, filters.language} - {None}
        found: list[tuple[str, float]] = []
        with _errors(self._where):
            for stored, collection in self._collections.items():
                if asked <= {stored}:
                    found += _query(collection, vector, k, _conditions(filters))
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def count(self) -> int:
        """Return how many chunks are stored."""
        with _errors(self._where):
            sizes = [int(collection.count()) for collection in self._collections.values()]
        return sum(sizes)

    def close(self) -> None:
        """Release the client."""
        self._client.close()


def _add(store: ChromaVectorStore, nodes: Sequence[BaseNode]) -> None:
    """Add nodes to a collection; Chroma ignores an id that it has already."""
    ids = [node.node_id for node in nodes]
    if len(set(ids)) < len(ids) or store.client.get(ids=ids, include=[])["ids"]:
        raise LibraryIndexError("Two chunks share an id, so Chroma dropped one; run `rag index` again.")
    store.add(list(nodes))


def open_vectors(directory: Path, collection: str, *, url: str | None, create: bool = False) -> VectorIndex:
    """Open or create the collections `collection`-LANGUAGE, in `directory` or on a server.

    Raises:
        LibraryIndexError: the server does not answer, or a collection is not there.
        SettingsError: `url` is not a URL of the form http://host:port.
    """
    from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration

    graph = CreateHNSWConfiguration(
        space="cosine", ef_construction=_EF, ef_search=_EF, max_neighbors=_NEIGHBORS
    )
    where = url or str(directory)
    collections: dict[Language, Collection] = {}
    with _errors(where):
        client = _client(directory, url)
        for language in LANGUAGES:
            name = f"{collection}-{language}"
            collections[language] = (
                client.create_collection(
                    name, configuration=CreateCollectionConfiguration(hnsw=graph), embedding_function=None
                )
                if create
                else client.get_collection(name, embedding_function=None)
            )
    return VectorIndex(client, collections, where)


def drop_collection(url: str, collection: str) -> None:
    """Delete the collections of `open_vectors` from a server; one that is gone, or a server that is,
    is no error.
    """
    for language in LANGUAGES:
        try:
            with _errors(url), closing(_client(Path(), url)) as client:
                client.delete_collection(f"{collection}-{language}")
        except LibraryIndexError:
            continue


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
    with only_proxy(proxy_for(url)):
        return cast("Client", chromadb.HttpClient(host=host, port=port, ssl=ssl, settings=settings))


def _query(
    collection: Collection, vector: Vectors, k: int, where: dict[str, Any] | None
) -> list[tuple[str, float]]:
    # Not through LlamaIndex's query, which parses every node found.
    result = collection.query(
        query_embeddings=[vector[0].tolist()], n_results=k, where=where, include=["distances"]
    )
    # Chroma's cosine distance is 1 - cosine.
    distances = (result["distances"] or [[]])[0]
    return [(i, 1.0 - distance) for i, distance in zip(result["ids"][0], distances, strict=True)]


def _conditions(filters: Filters) -> dict[str, Any] | None:
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


def _node(chunk: Chunk, vector: Vectors, paper: Paper) -> TextNode:
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


@contextmanager
def _errors(where: str) -> Iterator[None]:
    """Turn what Chroma and its connection raise into one sentence."""
    import httpx
    from chromadb.errors import ChromaError

    try:
        yield
    except (ImportError, httpx.InvalidURL) as error:
        raise LibraryIndexError(
            f"Chroma at {where} cannot be reached through the proxy of the environment ({error}); set "
            "HTTPS_PROXY or ALL_PROXY to the address of an HTTP proxy, or name the host in NO_PROXY."
        ) from error
    except (ChromaError, httpx.HTTPError, OSError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise LibraryIndexError(
            f"Chroma at {where} failed ({reason}); start the server, free some space, or mend the index "
            "with `rag doctor --fix`."
        ) from error
