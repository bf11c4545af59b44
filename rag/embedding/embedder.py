"""The embedder: any sentence-transformers model, through LlamaIndex's embedding interface.

A folder that holds a graph for onnxruntime beside its weights (the default models' do) is run by that, unless
torch can use a GPU.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from rag.embedding.alignment import stack
from rag.embedding.base import Vectors
from rag.embedding.folder import digest_of, max_length, saved_prompts, token_counter
from rag.errors import ModelError

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

_BATCH = 16
_RECENT = 16  # questions
# Tokens a model adds around a text, at most; and the shortest chunk that still makes sense.
_SPECIAL_TOKENS = 4
_SHORTEST = 32
# Where the conversions write the graph; sentence-transformers looks for this name in its ONNX folders.
GRAPH = Path("onnx") / "model_qint8.onnx"

_TORCH_FILES = frozenset({".json", ".safetensors", ".bin"})

Backend = Literal["auto", "torch", "onnx"]


class TextModel(Protocol):
    """What computes the vectors."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one question, shape (1, d)."""

    def for_llama_index(self) -> BaseEmbedding:
        """Return the model as one of LlamaIndex."""


@dataclass(frozen=True)
class LocalEmbedder:
    """Turns texts into L2-normalised vectors, questions and passages each with their own prompt.

    `digest` identifies model and prompts in the index's manifest; `count_tokens` counts what the model sees
    of a text, special tokens left out. The model reads `max_length` tokens, with those of `passage_prompt`.
    `device` is torch's name of what computes.
    """

    name: str
    digest: str
    model: TextModel
    count_tokens: Callable[[str], int]
    max_length: int
    passage_prompt: str = ""
    device: str = "cpu"

    @cached_property
    def max_tokens(self) -> int:
        """Longest passage, in tokens."""
        taken = self.count_tokens(self.passage_prompt) + _SPECIAL_TOKENS
        return max(_SHORTEST, self.max_length - taken)

    @cached_property
    def embedding(self) -> BaseEmbedding:
        """The model as one of LlamaIndex, so that a LlamaIndex user can take it out."""
        return self.model.for_llama_index()

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""
        return self.model.embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one question, shape (1, d)."""
        return self._recent_query(text).copy()

    @cached_property
    def _recent_query(self) -> Callable[[str], Vectors]:
        """Search and answering ask for the vector of the same question, so the last ones are kept."""
        return lru_cache(maxsize=_RECENT)(self.model.embed_query)


@dataclass(frozen=True)
class _LlamaIndexModel:
    """A model that LlamaIndex loaded."""

    embedding: BaseEmbedding

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        rows = self.embedding.get_text_embedding_batch(list(texts))
        return stack(rows, len(rows[0]) if rows else 0)

    def embed_query(self, text: str) -> Vectors:
        row = self.embedding.get_query_embedding(text)
        return stack([row], len(row))

    def for_llama_index(self) -> BaseEmbedding:
        return self.embedding


def load_embedder(
    name: str,
    folder: Path,
    *,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
) -> LocalEmbedder:
    """Load the model in `folder`: by torch on a GPU, else by onnxruntime where it has a graph, else by torch.

    Prompts that are None are the model's saved ones: HuggingFaceEmbedding would replace those with guesses.

    Raises:
        ModelError: `folder` holds no sentence-transformers model.
    """
    from safetensors import SafetensorError

    stay_offline()
    saved = saved_prompts(folder)
    query = saved.get("query", "") if query_prompt is None else query_prompt
    passage = saved.get("passage", saved.get("document", "")) if passage_prompt is None else passage_prompt
    device = device_for(backend)
    fast = backend == "onnx" or (backend == "auto" and device == "cpu" and (folder / GRAPH).is_file())
    load = _load_onnx if fast else partial(_load_torch, device=device)
    try:
        model, longest = load(folder, query, passage, threads or os.cpu_count() or 1)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{folder} holds no usable sentence-transformers model ({str(error).splitlines()[0]}); "
            "name another with RAG_EMBEDDING_MODEL or run `rag models pull`."
        ) from error
    digest = digest_of(folder, query, passage, {".json", ".onnx"} if fast else _TORCH_FILES)
    return LocalEmbedder(name, digest, model, token_counter(folder), longest, passage, device)


def device_for(backend: Backend) -> str:
    """Return torch's name of what embeds with this backend: a GPU if there is one, never for onnxruntime."""
    return (None if backend == "onnx" else gpu()) or "cpu"


def gpu() -> str | None:
    """Return torch's name of a GPU that it can use; it is imported only where there may be one."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    if not apple and not Path("/dev/nvidia0").exists() and shutil.which("nvidia-smi") is None:
        return None
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if apple and torch.backends.mps.is_available() else None


def _load_onnx(folder: Path, query: str, passage: str, threads: int) -> tuple[TextModel, int]:
    from rag.embedding.onnx import OnnxModel

    model = OnnxModel(
        folder / GRAPH,
        folder / "tokenizer.json",
        threads,
        query_prompt=query,
        passage_prompt=passage,
        max_length=max_length(folder),
    )
    return model, model.max_length


def _load_torch(folder: Path, query: str, passage: str, threads: int, device: str) -> tuple[TextModel, int]:
    import torch
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # before transformers is imported, which looks once
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    torch.set_num_threads(threads)
    embedding = HuggingFaceEmbedding(
        model_name=str(folder),
        query_instruction=query,
        text_instruction=passage,
        embed_batch_size=_BATCH,
        device=device,
        cache_folder=str(folder),
        local_files_only=True,
    )
    return _LlamaIndexModel(embedding), embedding.max_length


def resolve_folder(name: str, *, fetch: bool, kind: str = "embedding") -> Path:
    """Return the folder of a model named by path, or by hub name if it is on this machine or may be fetched.

    `kind` is what the error calls it.

    Raises:
        ModelError: it is not here and cannot be fetched.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if not fetch:
        stay_offline()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=not fetch))
    except (OSError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ModelError(
            f"The {kind} model {name!r} is neither a folder nor on this machine; give a folder, or fetch it "
            f"with `rag models pull {name}` where the model hub can be reached."
        ) from error


def stay_offline() -> None:
    """Keep the model libraries quiet, and from asking the hub for newer files of a model that is here."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
