"""The embedder: any sentence-transformers model, through LlamaIndex's embedding interface.

A folder that holds a graph for onnxruntime beside its weights (the default models' do) is run by that, unless
torch can use a GPU.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag.embedding.alignment import stack
from rag.embedding.base import Vectors
from rag.errors import ModelError

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

_BATCH = 16
_RECENT = 16  # questions
_SMALL_FILE = 1 << 20
_EDGE = 1 << 16
# Tokens a model adds around a text, at most; and the shortest chunk that still makes sense.
_SPECIAL_TOKENS = 4
_SHORTEST = 32
_LONGEST = 2048  # tokens; what a model has beyond that no abstract needs
# Where the conversions write the graph; sentence-transformers looks for this name in its ONNX folders.
GRAPH = Path("onnx") / "model_qint8.onnx"

_TORCH_FILES = frozenset({".json", ".safetensors", ".bin"})

Backend = Literal["auto", "torch", "onnx"]


@dataclass(frozen=True)
class LocalEmbedder:
    """Turns texts into L2-normalised vectors, questions and passages each with their own prompt.

    `embedding` is a LlamaIndex `BaseEmbedding`, so that a LlamaIndex user can take it out or put another
    one in; `digest` identifies model and prompts in the index's manifest; `count_tokens` counts what the
    model sees of a text, special tokens left out. `device` is torch's name of what computes.
    """

    name: str
    digest: str
    embedding: BaseEmbedding
    count_tokens: Callable[[str], int]
    max_tokens: int
    device: str = "cpu"

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text, shape (n, d)."""
        rows = self.embedding.get_text_embedding_batch(list(texts))
        return stack(rows, len(rows[0]) if rows else 0)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of one question, shape (1, d)."""
        row = self._query_row(text)
        return stack([row], len(row))

    @cached_property
    def _query_row(self) -> Callable[[str], list[float]]:
        """Search and answering ask for the vector of the same question, so the last ones are kept."""
        return lru_cache(maxsize=_RECENT)(self.embedding.get_query_embedding)


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
    saved = _saved_prompts(folder)
    query = query_prompt if query_prompt is not None else saved.get("query", "")
    own = saved.get("passage", saved.get("document", ""))
    passage = passage_prompt if passage_prompt is not None else own
    device = device_for(backend)
    fast = backend == "onnx" or (backend == "auto" and device == "cpu" and (folder / GRAPH).is_file())
    load = _load_onnx if fast else partial(_load_torch, device=device)
    try:
        embedding, max_length = load(folder, query, passage, threads or os.cpu_count() or 1)
        count_tokens = _token_counter(folder)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{folder} holds no usable sentence-transformers model ({str(error).splitlines()[0]}); "
            "name another with RAG_EMBEDDING_MODEL or run `rag models pull`."
        ) from error
    return LocalEmbedder(
        name=name,
        digest=_digest(folder, query, passage, {".json", ".onnx"} if fast else _TORCH_FILES),
        embedding=embedding,
        count_tokens=count_tokens,
        max_tokens=max(_SHORTEST, max_length - count_tokens(passage) - _SPECIAL_TOKENS),
        device=device,
    )


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


def _load_onnx(folder: Path, query: str, passage: str, threads: int) -> tuple[BaseEmbedding, int]:
    from rag.embedding.onnx import OnnxEmbedding

    embedding = OnnxEmbedding(
        folder / GRAPH,
        folder / "tokenizer.json",
        threads,
        model_name=folder.name,
        query_prompt=query,
        passage_prompt=passage,
        max_length=_max_length(folder),
    )
    return embedding, embedding.max_length


def _max_length(folder: Path) -> int:
    """Return the longest text that the model reads, in tokens."""
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    return min(int(tokenizer["model_max_length"]), _LONGEST)


def _load_torch(
    folder: Path, query: str, passage: str, threads: int, device: str
) -> tuple[BaseEmbedding, int]:
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
    return embedding, embedding.max_length


def _token_counter(folder: Path) -> Callable[[str], int]:
    """Return a function that counts a text's tokens, special tokens not included."""
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if file.is_file():
        fast = Tokenizer.from_file(str(file))
        fast.no_truncation()
        fast.no_padding()
        return lambda text: len(fast.encode(text, add_special_tokens=False).ids)
    from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    return lambda text: len(slow.encode(text, add_special_tokens=False))


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


def _saved_prompts(folder: Path) -> dict[str, str]:
    config = folder / "config_sentence_transformers.json"
    if not config.is_file():
        return {}
    prompts: dict[str, str] = json.loads(config.read_text(encoding="utf-8")).get("prompts") or {}
    return prompts


def _digest(folder: Path, query_prompt: str, passage_prompt: str, kinds: Set[str]) -> str:
    """Hash names, sizes, small files whole and the edges of large ones: fast, and different for other
    weights.
    """
    hasher = hashlib.sha256(json.dumps([query_prompt, passage_prompt]).encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in kinds):
        size = path.stat().st_size
        hasher.update(f"{path.relative_to(folder).as_posix()}:{size}".encode())
        with path.open("rb") as file:
            hasher.update(file.read(size if size <= _SMALL_FILE else _EDGE))
            if size > _SMALL_FILE:
                file.seek(-_EDGE, os.SEEK_END)
                hasher.update(file.read())
    return hasher.hexdigest()[:16]
