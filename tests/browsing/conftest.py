"""The small library with known fields, indexed once a module and never changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.library import index_paths
from rag.pipeline import RAG
from rag.settings import load_settings
from tests.browsing.library import write_library
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RAG]:
    home, embedder = tmp_path_factory.mktemp("library"), HashEmbedder()
    index_paths([write_library(home / "papers")], home / "index", embedder=embedder)
    settings = load_settings(index=home / "index", min_similarity=-1.0)
    llm = ScriptedLLM(lambda messages: "Growth rises by 12 percent [1].")
    with RAG(settings, embedder=embedder, llm=llm, verifier=NumberVerifier()) as rag:
        yield rag
