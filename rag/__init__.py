"""citefold: question answering with citations over scientific abstracts, in English and Chinese.

    from rag import RAG, ask

Names are loaded when they are first used, so importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.answering.generation.prefill import Prefill
    from rag.embedding.alignment import Alignment
    from rag.embedding.llama_index import AlignedEmbedding
    from rag.errors import (
        CorpusError,
        IndexBusyError,
        IndexMismatchError,
        IndexMissingError,
        LibraryIndexError,
        LLMError,
        LLMResponseError,
        LLMUnreachableError,
        ModelError,
        QuestionError,
        RagError,
        SettingsError,
        UserError,
    )
    from rag.library import add_paths, index_paths, remove, sync_path
    from rag.pipeline import RAG, ask
    from rag.schema import (
        Answer,
        Chunk,
        Citation,
        Evidence,
        Filters,
        Highlight,
        Language,
        Paper,
        ProgressEvent,
        ScoredChunk,
        Sentence,
        Source,
        SourcesEvent,
        Stage,
        StreamEvent,
        TextEvent,
        Timings,
    )
    from rag.settings import Settings, load_settings

_HOMES = {
    "rag.answering.generation.prefill": ("Prefill",),
    "rag.embedding.alignment": ("Alignment",),
    "rag.embedding.llama_index": ("AlignedEmbedding",),
    "rag.library": ("add_paths", "index_paths", "remove", "sync_path"),
    "rag.pipeline": ("RAG", "ask"),
    "rag.settings": ("Settings", "load_settings"),
    "rag.schema": (
        "Answer", "Chunk", "Citation", "Evidence", "Filters", "Highlight", "Language", "Paper",
        "ProgressEvent", "ScoredChunk", "Sentence", "Source", "SourcesEvent", "Stage", "StreamEvent",
        "TextEvent", "Timings",
    ),
    "rag.errors": (
        "CorpusError", "IndexBusyError", "IndexMismatchError", "IndexMissingError", "LibraryIndexError",
        "LLMError", "LLMResponseError", "LLMUnreachableError", "ModelError", "QuestionError", "RagError",
        "SettingsError", "UserError",
    ),
}  # fmt: skip

__all__ = [
    "RAG",
    "AlignedEmbedding",
    "Alignment",
    "Answer",
    "Chunk",
    "Citation",
    "CorpusError",
    "Evidence",
    "Filters",
    "Highlight",
    "IndexBusyError",
    "IndexMismatchError",
    "IndexMissingError",
    "LLMError",
    "LLMResponseError",
    "LLMUnreachableError",
    "Language",
    "LibraryIndexError",
    "ModelError",
    "Paper",
    "Prefill",
    "ProgressEvent",
    "QuestionError",
    "RagError",
    "ScoredChunk",
    "Sentence",
    "Settings",
    "SettingsError",
    "Source",
    "SourcesEvent",
    "Stage",
    "StreamEvent",
    "TextEvent",
    "Timings",
    "UserError",
    "add_paths",
    "ask",
    "index_paths",
    "load_settings",
    "remove",
    "sync_path",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'rag' has no attribute {name!r}")
