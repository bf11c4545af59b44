"""Cached vectors of sentences, by text and digest of the embedder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from rag.embedding.base import Vectors
from rag.embedding.embedder import LocalEmbedder
from rag.models import defaults as models

_STEP = 256


class KeptVectors:
    """Embeds each text once and keeps its vector in the cache."""

    def __init__(self, embedder: LocalEmbedder, name: str) -> None:
        """Read the vectors cached under `name`; nothing is embedded yet."""
        self._embedder = embedder
        self._path = models.cache_dir() / "benchmarks" / f"{name}-{embedder.digest}.npz"
        self._rows: dict[str, Vectors] = {}
        if self._path.exists():
            with np.load(self._path) as data:
                self._rows = dict(zip(data["keys"].tolist(), data["rows"], strict=True))

    def add(self, texts: Iterable[str]) -> int:
        """Embed the texts that are not cached, and return their number."""
        new = [text for text in dict.fromkeys(texts) if _key(text) not in self._rows]
        for first in range(0, len(new), _STEP):
            step = new[first : first + _STEP]
            rows = self._embedder.embed_passages(step)
            self._rows |= {_key(text): row for text, row in zip(step, rows, strict=True)}
            self._save()
        return len(new)

    def embed_passages(self, texts: list[str] | tuple[str, ...]) -> Vectors:
        """Return one row per text, shape (n, d)."""
        self.add(texts)
        rows: Vectors = np.stack([self._rows[_key(text)] for text in texts])
        return rows

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            self._path,
            allow_pickle=False,
            keys=np.array(list(self._rows)),
            rows=np.stack(list(self._rows.values())),
        )


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
