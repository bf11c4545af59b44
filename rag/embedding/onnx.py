"""The fast way through the default embedding models: onnxruntime alone, without torch or transformers.

Many texts are embedded side by side, each by one thread. A single text is embedded by all threads, because
somebody waits for it. benchmarks/embedding.py compares it with LlamaIndex's HuggingFaceEmbedding.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.embedding.base import Vectors
from rag.models.session import load_session

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    from rag.models.session import InferenceSession

# Texts handed over at once: enough that the last one of a step keeps one thread waiting for a short time
# only.
_STEP = 64
# Fewer texts a thread are embedded one after the other, so that no second session is loaded for them.
_SIDE_BY_SIDE = 8


class OnnxModel:
    """An embedding model of one ONNX graph `ids` (1, n) -> `embedding` (1, d) and a tokenizer.

    Safe to use from several threads; each text is embedded alone, so its vector does not depend on others.
    LlamaIndex takes a second to import, so only `for_llama_index` does.
    """

    def __init__(
        self,
        graph: Path,
        tokenizer: Path,
        threads: int | None = None,
        *,
        query_prompt: str = "",
        passage_prompt: str = "",
        max_length: int = 512,
    ) -> None:
        """Load `graph` and `tokenizer` (a tokenizer.json); texts are cut to `max_length` tokens.

        Raises:
            ValueError, OSError: a file cannot be read or is of another kind.
        """
        from tokenizers import Tokenizer

        self.max_length = max_length
        self._query_prompt, self._passage_prompt = query_prompt, passage_prompt
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.no_padding()
        self._graph = graph
        self._threads = threads or os.cpu_count() or 1
        self._sessions: dict[int, InferenceSession] = {}
        self._lock = threading.Lock()
        self._session(self._threads)

    def _session(self, threads: int) -> InferenceSession:
        """Return the session in which `threads` threads work on one text; it is loaded once."""
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = load_session(self._graph, threads)
            return self._sessions[threads]

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""
        rows: list[Vectors] = []
        for first in range(0, len(texts), _STEP):
            rows += self._embed([self._passage_prompt + text for text in texts[first : first + _STEP]])
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one question, shape (1, d)."""
        return np.stack(self._embed([self._query_prompt + text]))

    def for_llama_index(self) -> BaseEmbedding:
        """Return this model as one of LlamaIndex."""
        from rag.embedding.onnx_embedding import OnnxEmbedding

        return OnnxEmbedding(self, model_name=self._graph.parent.parent.name, embed_batch_size=_STEP)

    def _embed(self, texts: Sequence[str]) -> list[Vectors]:
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        if len(encoded) < _SIDE_BY_SIDE * self._threads:
            session = self._session(self._threads)
            return [_run(session, ids) for ids in encoded]
        session = self._session(1)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="embed") as pool:
            return list(pool.map(partial(_run, session), encoded))


def _run(session: InferenceSession, ids: Sequence[int]) -> Vectors:
    vector: Vectors = session.run(None, {"ids": np.array([ids], dtype=np.int64)})[0][0]
    return vector
