"""The index that questions are asked of, while it may be rebuilt beside them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.store.index import Store, open_index
from rag.store.manifest import Manifest


class LiveIndex:
    """The index in a directory, opened again when it has been rebuilt; safe to use from several threads."""

    def __init__(
        self,
        directory: Path,
        embedding_model: str,
        chroma_url: str | None = None,
        *,
        missing_ok: bool = False,
    ) -> None:
        """Open the index; with `missing_ok` it may come into being later.

        Raises:
            IndexMissingError, IndexMismatchError, LibraryIndexError: it cannot be used.
        """
        self._directory = directory
        self._embedding_model = embedding_model
        self._chroma_url = chroma_url
        self._lock = threading.Lock()
        self._closed = False
        self._readers: Counter[Store] = Counter()
        self._stamp = Manifest.stamp(directory)  # before opening: a rebuild in between must be noticed
        self._store: Store | None = None
        if not missing_ok or self._stamp:
            self._store = self._open()

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Give the index as it is now; it stays open while it is read.

        Raises as opening it does, also IndexMissingError while there is none.
        """
        with self._lock:
            store = self._current()
            self._readers[store] += 1
        try:
            yield store
        finally:
            with self._lock:
                self._readers[store] -= 1
                if not self._readers[store]:
                    del self._readers[store]
                    if self._closed or store is not self._store:
                        store.close()

    def close(self) -> None:
        """Close the index as soon as nobody reads it."""
        with self._lock:
            self._closed = True
            if self._store and not self._readers[self._store]:
                self._store.close()

    def _current(self) -> Store:
        stamp = Manifest.stamp(self._directory)
        old = self._store
        if old is not None and stamp == self._stamp:
            return old
        new = self._open()
        self._store, self._stamp = new, stamp
        if old is not None and not self._readers[old]:
            old.close()
        return new

    def _open(self) -> Store:
        return open_index(self._directory, self._embedding_model, self._chroma_url)
