"""citefold: question answering with citations over scientific abstracts, in English and Chinese.

    from rag import RAG, ask

Names are loaded when they are first used, so importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.adding import AddReport
    from rag.answering.generation.prefill import Prefill
    from rag.asking.checks import MAX_QUESTION_CHARS
    from rag.browsing.paper_map import MapPoint, PaperMap
    from rag.browsing.records import FoldedText, PaperPage, WorkDetails
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
    from rag.export.files import ExportFile, export_answer, export_conversation, export_papers
    from rag.export.plain import plain_text
    from rag.library import add_paths, index_paths, remove, sync_path
    from rag.llm.trial import Trial
    from rag.pipeline import RAG, ask
    from rag.schema import (
        Answer,
        Chunk,
        Citation,
        Drop,
        Evidence,
        Filters,
        Highlight,
        Language,
        Paper,
        Problem,
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
    from rag.settings import Settings, load_settings, settings_file
    from rag.settings_file import Saved, save_settings

_HOMES = {
    "rag.answering.generation.prefill": ("Prefill",),
    "rag.adding": ("AddReport",),
    "rag.asking.checks": ("MAX_QUESTION_CHARS",),
    "rag.browsing.paper_map": ("MapPoint", "PaperMap"),
    "rag.browsing.records": ("FoldedText", "PaperPage", "WorkDetails"),
    "rag.embedding.alignment": ("Alignment",),
    "rag.embedding.llama_index": ("AlignedEmbedding",),
    "rag.export.files": ("ExportFile", "export_answer", "export_conversation", "export_papers"),
    "rag.export.plain": ("plain_text",),
    "rag.library": ("add_paths", "index_paths", "remove", "sync_path"),
    "rag.llm.trial": ("Trial",),
    "rag.settings": ("Settings", "load_settings", "settings_file"),
    "rag.settings_file": ("Saved", "save_settings"),
    "rag.pipeline": ("RAG", "ask"),
    "rag.schema": (
        "Answer", "Chunk", "Citation", "Drop", "Evidence", "Filters", "Highlight", "Language", "Paper",
        "Problem", "ProgressEvent", "ScoredChunk", "Sentence", "Source", "SourcesEvent", "Stage",
        "StreamEvent", "TextEvent", "Timings",
    ),
    "rag.errors": (
        "CorpusError", "IndexBusyError", "IndexMismatchError", "IndexMissingError", "LibraryIndexError",
        "LLMError", "LLMResponseError", "LLMUnreachableError", "ModelError", "QuestionError", "RagError",
        "SettingsError", "UserError",
    ),
}  # fmt: skip

__all__ = [
    "MAX_QUESTION_CHARS",
    "RAG",
    "AddReport",
    "AlignedEmbedding",
    "Alignment",
    "Answer",
    "Chunk",
    "Citation",
    "CorpusError",
    "Drop",
    "Evidence",
    "ExportFile",
    "Filters",
    "FoldedText",
    "Highlight",
    "IndexBusyError",
    "IndexMismatchError",
    "IndexMissingError",
    "LLMError",
    "LLMResponseError",
    "LLMUnreachableError",
    "Language",
    "LibraryIndexError",
    "MapPoint",
    "ModelError",
    "Paper",
    "PaperMap",
    "PaperPage",
    "Prefill",
    "Problem",
    "ProgressEvent",
    "QuestionError",
    "RagError",
    "Saved",
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
    "Trial",
    "UserError",
    "WorkDetails",
    "add_paths",
    "ask",
    "export_answer",
    "export_conversation",
    "export_papers",
    "index_paths",
    "load_settings",
    "plain_text",
    "remove",
    "save_settings",
    "settings_file",
    "sync_path",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'rag' has no attribute {name!r}")
