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

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

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
                self._sessions[threads] = _load(self._graph, threads)
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


def _load(graph: Path, threads: int) -> InferenceSession:
    # Since 1.29 it reports every session to its makers, on Linux too. The variable counts when the library is
    # loaded, the call when another part of the program has loaded it before.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    from onnxruntime import InferenceSession, SessionOptions, disable_telemetry_events
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    disable_telemetry_events()
    options = SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the language model needs them
    try:
        return InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    except (state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.NotImplemented) as error:
        raise ValueError(f"onnxruntime cannot run {graph}: {error}") from error


def _run(session: InferenceSession, ids: Sequence[int]) -> Vectors:
    vector: Vectors = session.run(None, {"ids": np.array([ids], dtype=np.int64)})[0][0]
    return vector
