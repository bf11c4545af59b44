"""The optional second stage: a cross-encoder reads the question together with each of the first papers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rag.embedding.base import passage
from rag.embedding.embedder import stay_offline
from rag.errors import ModelError
from rag.schema import ScoredChunk
from rag.text.language import to_simplified

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

# Papers read again, also when fewer are asked for. Each is a pass over question and abstract: with the
# architecture of ms-marco-MiniLM-L6, 20 abstracts of 400 tokens take some 2 s on 2 cores.
RERANK_CANDIDATES = 20


class Reranker(Protocol):
    """Says how well texts answer a question; `CrossEncoderReranker` does."""

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return one score a text, higher being better."""


class CrossEncoderReranker:
    """Any sentence-transformers CrossEncoder with one score a pair; safe to use from several threads."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load the model in `folder`.

        Raises:
            ModelError: `folder` holds no cross-encoder, or one that gives several scores.
        """
        from safetensors import SafetensorError

        if not _is_cross_encoder(folder):
            raise ModelError(
                f"{folder} holds no cross-encoder; name one with RAG_RERANK_MODEL, or unset it to do without."
            )
        try:
            self._model = _load(folder, threads or os.cpu_count() or 1)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"{folder} holds no usable cross-encoder ({str(error).splitlines()[0]}); name another with "
                "RAG_RERANK_MODEL, or unset it to do without."
            ) from error
        if self._model.num_labels != 1:
            raise ModelError(
                f"The cross-encoder in {folder} gives {self._model.num_labels} scores a pair, and a reranker gives "
                "one; name another with RAG_RERANK_MODEL, or unset it to do without."
            )
        self._lock = threading.Lock()  # a tokenizer cannot be used by two threads at once

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one score a text, higher being better."""
        if not texts:
            return []
        with self._lock:
            scores = self._model.predict([(query, text) for text in texts], show_progress_bar=False)
        result: list[float] = scores.tolist()
        return result


def rerank(reranker: Reranker, query: str, found: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Return `found` with its first `RERANK_CANDIDATES` in the order of the reranker, their `score` being its.

    Each is read as its title and best chunk. The others follow as they were; their scores are moved to lie below,
    so that scores still fall from first to last.
    """
    first, rest = found[:RERANK_CANDIDATES], found[RERANK_CANDIDATES:]
    texts = [passage(candidate.paper, candidate.chunk) for candidate in first]
    scores = reranker.scores(to_simplified(query), texts)
    read = [replace(candidate, score=score) for candidate, score in zip(first, scores, strict=True)]
    read.sort(key=lambda candidate: -candidate.score)
    step = read[-1].score - rest[0].score if rest else 0.0
    return read + [replace(candidate, score=candidate.score + step) for candidate in rest]


def _load(folder: Path, threads: int) -> CrossEncoder:
    stay_offline()
    import torch
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # before transformers is imported, which looks once
    from sentence_transformers import CrossEncoder

    torch.set_num_threads(threads)
    model: CrossEncoder = CrossEncoder(str(folder), device="cpu", local_files_only=True)
    return model


def _is_cross_encoder(folder: Path) -> bool:
    """Say whether the model was saved with a head: the library would put a random one on any other."""
    if _config(folder / "config_sentence_transformers.json").get("model_type") == "CrossEncoder":
        return True
    architectures = _config(folder / "config.json").get("architectures") or []
    return any(name.endswith("ForSequenceClassification") for name in architectures)


def _config(path: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config
