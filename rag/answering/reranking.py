"""Optional reranking: a cross-encoder scores the question together with each of the first papers."""

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

# Papers to rerank, also when fewer are wanted; higher costs time. See docs/decisions.md#reranked-papers.
RERANK_CANDIDATES = 20


class Reranker(Protocol):
    """Scores how well texts answer a question."""

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return one score per text; higher is better."""


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder with one score per pair; thread-safe."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load the model in `folder`.

        Raises:
            ModelError: `folder` holds no cross-encoder, or one with several scores per pair.
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
                f"The cross-encoder in {folder} gives {self._model.num_labels} scores a pair instead of "
                "one; name another with RAG_RERANK_MODEL, or unset it to do without."
            )
        self._lock = threading.Lock()  # tokenizers are not thread-safe

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one score per text; higher is better."""
        if not texts:
            return []
        with self._lock:
            scores = self._model.predict([(query, text) for text in texts], show_progress_bar=False)
        result: list[float] = scores.tolist()
        return result


def rerank(reranker: Reranker, query: str, found: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Return `found`, its first `RERANK_CANDIDATES` papers sorted and scored by the reranker.

    The reranker sees title and best chunk. The other papers follow in their order, with scores shifted below.
    """
    first, rest = found[:RERANK_CANDIDATES], found[RERANK_CANDIDATES:]
    texts = [passage(candidate.paper, candidate.chunk) for candidate in first]
    scores = reranker.scores(to_simplified(query), texts)
    ranked = [replace(candidate, score=score) for candidate, score in zip(first, scores, strict=True)]
    ranked.sort(key=lambda candidate: -candidate.score)
    shift = ranked[-1].score - rest[0].score if rest else 0.0
    return ranked + [replace(candidate, score=candidate.score + shift) for candidate in rest]


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
    """Return whether the model has a trained head; the library would add a random one to any other."""
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
