"""Keep the vectors of recent passages, so that a sentence is embedded once for many questions."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from rag.embedding.base import Embedder, Vectors

# Passages whose vectors are kept: the sentences of about 1,000 abstracts, 25 MB at 768 dimensions; higher
# remembers more.
MOST = 8192


class RecentPassages(Embedder):
    """An embedder that remembers the vectors of the last `most` passages; thread-safe."""

    def __init__(self, embedder: Embedder, most: int = MOST) -> None:
        """Remember the passages of `embedder`."""
        self._embedder = embedder
        self._most = most
        self._rows: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._embedder.name

    @property
    def digest(self) -> str:
        """Identifies model and prompts."""
        return self._embedder.digest

    @property
    def max_tokens(self) -> int:
        """Longest passage, in tokens."""
        return self._embedder.max_tokens

    @property
    def most(self) -> int:
        """How many passages are remembered at most."""
        return self._most

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one question, shape (1, d)."""
        return self._embedder.embed_query(text)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the model sees for `text`."""
        return self._embedder.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d); only texts that are not remembered are embedded."""
        known = self._recall(texts)
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new or not texts:
            rows = self._embedder.embed_passages(new)
            if not texts:
                return rows
            known |= dict(zip(new, rows, strict=True))
            self._keep({text: known[text] for text in new})
        return np.stack([known[text] for text in texts])

    def remembered(self, texts: Sequence[str]) -> Vectors | None:
        """Return what `embed_passages` would, without embedding; None where a text is not remembered."""
        known = self._recall(texts)
        return np.stack([known[text] for text in texts]) if texts and len(known) == len({*texts}) else None

    def _recall(self, texts: Sequence[str]) -> dict[str, Vectors]:
        with self._lock:
            known = {text: self._rows[text] for text in dict.fromkeys(texts) if text in self._rows}
            for text in known:
                self._rows.move_to_end(text)
        return known

    def _keep(self, rows: dict[str, Vectors]) -> None:
        with self._lock:
            self._rows |= rows
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)
