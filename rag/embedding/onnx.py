"""The fast way through the default embedding model: onnxruntime alone, one text a call, a thread a core.

On 2 cores it embeds 3.6 times as many abstracts a second as LlamaIndex's HuggingFaceEmbedding at its defaults
(benchmarks/embedding.py), and neither torch nor transformers is imported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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


class OnnxEmbedding(BaseEmbedding):
    """A LlamaIndex embedding model of one ONNX graph `ids` (1, n) -> `embedding` (1, d) and a tokenizer.

    Safe to use from several threads; each text is embedded alone, so its vector does not depend on others.
    """

    query_prompt: str = ""
    passage_prompt: str = ""
    max_length: int = 512

    _session: InferenceSession = PrivateAttr()
    _tokenizer: Tokenizer = PrivateAttr()
    _pool: ThreadPoolExecutor = PrivateAttr()

    def __init__(self, graph: Path, tokenizer: Path, threads: int | None = None, **fields: Any) -> None:
        """Load `graph` and `tokenizer` (a tokenizer.json); `fields` are those of the class.

        Raises:
            ValueError, OSError: a file cannot be read or is of another kind.
        """
        super().__init__(embed_batch_size=_STEP, **fields)
        # Since 1.29 it reports every session to its makers, on Linux too. The variable counts when the
        # library is loaded, the call when another part of the program has loaded it before.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        from onnxruntime import InferenceSession, SessionOptions, disable_telemetry_events
        from onnxruntime.capi import onnxruntime_pybind11_state as state
        from tokenizers import Tokenizer

        disable_telemetry_events()
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except (state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.NotImplemented) as error:
            raise ValueError(f"onnxruntime cannot run {graph}: {error}") from error
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(self.max_length)
        self._tokenizer.no_padding()
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="embed")

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex stores."""
        return "OnnxEmbedding"

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        rows = self._pool.map(self._run, (e.ids for e in self._tokenizer.encode_batch(list(texts))))
        return [row.tolist() for row in rows]

    def _run(self, ids: Sequence[int]) -> Vectors:
        vector: Vectors = self._session.run(None, {"ids": np.array([ids], dtype=np.int64)})[0][0]
        return vector

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed([self.passage_prompt + text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embed([self.passage_prompt + text for text in texts])

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([self.query_prompt + query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)
