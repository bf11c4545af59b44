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
from typing import TYPE_CHECKING, Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from rag.embedding.base import Vectors
from rag.models.session import load_session

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from rag.models.session import InferenceSession

# Texts handed over at once: enough that the last one of a step keeps one thread waiting for a short time
# only.
_STEP = 64
# Fewer texts a thread are embedded one after the other, so that no second session is loaded for them.
_SIDE_BY_SIDE = 8


class OnnxEmbedding(BaseEmbedding):
    """A LlamaIndex embedding model of one ONNX graph `ids` (1, n) -> `embedding` (1, d) and a tokenizer.

    Safe to use from several threads; each text is embedded alone, so its vector does not depend on others.
    """

    query_prompt: str = ""
    passage_prompt: str = ""
    max_length: int = 512

    _graph: Path = PrivateAttr()
    _tokenizer: Tokenizer = PrivateAttr()
    _threads: int = PrivateAttr()
    _sessions: dict[int, InferenceSession] = PrivateAttr()
    _lock: threading.Lock = PrivateAttr()

    def __init__(self, graph: Path, tokenizer: Path, threads: int | None = None, **fields: Any) -> None:
        """Load `graph` and `tokenizer` (a tokenizer.json); `fields` are those of the class.

        Raises:
            ValueError, OSError: a file cannot be read or is of another kind.
        """
        super().__init__(embed_batch_size=_STEP, **fields)
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(self.max_length)
        self._tokenizer.no_padding()
        self._graph = graph
        self._threads = threads or os.cpu_count() or 1
        self._sessions = {}
        self._lock = threading.Lock()
        self._session(self._threads)

    def _session(self, threads: int) -> InferenceSession:
        """Return the session in which `threads` threads work on one text; it is loaded once."""
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = load_session(self._graph, threads)
            return self._sessions[threads]

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex stores."""
        return "OnnxEmbedding"

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        if len(encoded) < _SIDE_BY_SIDE * self._threads:
            session = self._session(self._threads)
            return [_run(session, ids).tolist() for ids in encoded]
        session = self._session(1)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="embed") as pool:
            return [row.tolist() for row in pool.map(partial(_run, session), encoded)]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed([self.passage_prompt + text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embed([self.passage_prompt + text for text in texts])

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([self.query_prompt + query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def _run(session: InferenceSession, ids: Sequence[int]) -> Vectors:
    vector: Vectors = session.run(None, {"ids": np.array([ids], dtype=np.int64)})[0][0]
    return vector
