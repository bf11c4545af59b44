"""An index and a prompt cache that commit 7f0f598 wrote open after the modules moved."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from rag.llm.llama_cpp.kv_cache import PROMPT_CACHE, PromptCache
from rag.pipeline import RAG
from rag.settings import load_settings
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

ARCHIVE = Path(__file__).parent.parent / "data" / "index-7f0f598.tar.gz"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "index"


def test_an_index_of_the_old_layout_is_searched_and_asked(index: Path) -> None:
    llm = ScriptedLLM(lambda _: "Its error is 2.5 cm on plateau data.")
    settings = load_settings(index=index, min_similarity=-1)
    with RAG(settings, embedder=HashEmbedder(), llm=llm, verifier=NumberVerifier()) as rag:
        assert (rag.info()["records"], rag.info()["works"]) == (4, 3)
        assert rag.search("traffic noise lowers foraging")[0].paper.title == "Bees near roads"
        answer = rag.ask("How large is the error of SnowNet on plateau data?")
        assert answer.answer == "Its error is 2.5 cm on plateau data [1]."
        assert [source.position for source in answer.citations[0].sources] == [2, 4]


def test_a_prompt_cache_of_the_old_layout_is_read(index: Path) -> None:
    (file,) = (index / PROMPT_CACHE).iterdir()
    paper, key = file.stem.rsplit("-", 1)
    state = PromptCache(index / PROMPT_CACHE, 10**7).get(paper, key)
    assert state is not None
    assert state.tokens.tolist() == [1, 2, 3]
