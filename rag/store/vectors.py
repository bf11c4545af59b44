"""The vector index: one Chroma collection, on disk or on a Chroma server, through LlamaIndex's store."""

from __future__ import annotations

import warnings
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
from rag.store.nodes import BATCH, batches, conditions, node_of

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client
    from llama_index.core.schema import BaseNode
    from llama_index.vector_stores.chroma import ChromaVectorStore

# Settings of the HNSW graph, well above Chroma's defaults (100, 100, 16): an abstract that the graph misses
# is missed by every question, and at these sizes the search stays in the milliseconds.
_EF = 200
_NEIGHBORS = 32
# Changes that Chroma keeps in its log before it writes the graph to disk. Every process that opens the index
# repeats what is in the log. Higher writes less often and opens slower. See docs/decisions.md#chroma-log
_LOGGED = 100
# The same while a new index is written, and how often the graph is then written at most: the log makes the
# file larger, and every time the graph is written whole.
_LOGGED_NEW = 10_000
_WRITTEN_NEW = 10
_LEAST_LOGGED = 2  # Chroma takes no smaller number


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
        self.collections = collections  # of Chroma, by language

    @cached_property
    def stores(self) -> Mapping[Language, ChromaVectorStore]:
        """The collections as LlamaIndex's vector stores, which a search does without: they load slowly."""
        from llama_index.vector_stores.chroma import ChromaVectorStore

        stores = {la: ChromaVectorStore(chroma_collection=found) for la, found in self.collections.items()}
        for store in stores.values():
            store.flat_metadata = False  # LlamaIndex refuses lists, which Chroma takes
        return stores

    def add(self, chunks: Sequence[Chunk], vectors: Vectors, papers: Mapping[str, Paper]) -> None:
        """Add chunks of `papers` (by id) with their vectors (n, d).

        Raises:
            LibraryIndexError: Chroma failed, or has one of the chunks already.
        """
        with _errors(self._where):
            for language, store in self.stores.items():
                rows = [row for row, chunk in enumerate(chunks) if chunk.language == language]
                for part in batches(len(rows), _logged(store.client)):
                    own = [(chunks[rows[i]], vectors[rows[i]]) for i in part]
                    _add(store, [node_of(chunk, vector, papers[chunk.paper_id]) for chunk, vector in own])

    def remove(self, chunks: Iterable[tuple[str, Language]]) -> None:
        """Take out chunks, named by chunk_id and language; those that are not there are no error.

        Raises:
            LibraryIndexError: Chroma failed.
        """
        wanted = list(chunks)
        with _errors(self._where):
            for language, collection in self.collections.items():
                ids = [chunk_id for chunk_id, own in wanted if own == language]
                for first in range(0, len(ids), BATCH):
                    collection.delete(ids=ids[first : first + BATCH])

    def search(
        self, vector: Vectors, k: int, language: Language | None = None, filters: Filters | None = None
    ) -> list[tuple[str, float]]:
        """Return up to `k` (chunk_id, cosine) nearest to `vector` of shape (1, d), best first."""
        filters = filters or Filters()
        asked = {language, filters.language} - {None}
        found: list[tuple[str, float]] = []
        with _errors(self._where):
            for stored, collection in self.collections.items():
                if asked <= {stored}:
                    found += _query(collection, vector, k, conditions(filters))
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def log_less(self) -> bool:
        """Have Chroma log few changes from the next time it is opened; return whether it logs more now."""
        many = [collection for collection in self.collections.values() if _logged(collection) != _LOGGED]
        with _errors(self._where), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of an embedding function that is not there
            for collection in many:
                collection.modify(configuration={"hnsw": {"sync_threshold": _LOGGED}})
        return bool(many)

    def count(self) -> int:
        """Return how many chunks are stored."""
        with _errors(self._where):
            sizes = [int(collection.count()) for collection in self.collections.values()]
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


def _logged(collection: Collection) -> int:
    """Return after how many changes Chroma writes the graph of a collection to disk."""
    # Not `collection.configuration`, which warns.
    graph = collection.configuration_json.get("hnsw") or {}
    return int(graph.get("sync_threshold", _LOGGED))


def open_vectors(
    directory: Path, collection: str, *, url: str | None, create: Mapping[Language, int] | None = None
) -> VectorIndex:
    """Open or create the collections `collection`-LANGUAGE, in `directory` or on a server.

    `create` says how many chunks of each language a new index is going to hold.

    Raises:
        LibraryIndexError: the server does not answer, or a collection is not there.
        SettingsError: `url` is not a URL of the form http://host:port.
    """
    where = url or str(directory)
    collections: dict[Language, Collection] = {}
    with _errors(where):
        client = _client(directory, url)
        for language in LANGUAGES:
            name = f"{collection}-{language}"
            collections[language] = (
                client.get_collection(name, embedding_function=None)
                if create is None
                else _create(client, name, create.get(language, 0))
            )
    return VectorIndex(client, collections, where)


def _create(client: Client, name: str, chunks: int) -> Collection:
    from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration

    times = min(_WRITTEN_NEW, -(-chunks // _LOGGED_NEW)) or 1
    graph = CreateHNSWConfiguration(
        space="cosine",
        ef_construction=_EF,
        ef_search=_EF,
        max_neighbors=_NEIGHBORS,
        sync_threshold=max(_LEAST_LOGGED, chunks // times),
    )
    return client.create_collection(
        name, configuration=CreateCollectionConfiguration(hnsw=graph), embedding_function=None
    )


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
