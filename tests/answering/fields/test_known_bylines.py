"""What a record says of itself is known to the check of a sentence, and what another record says is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.library import index_paths
from rag.pipeline import RAG
from rag.settings import load_settings
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

ROW = {
    "title": "Wool dyes fade in salt air",
    "abstract": "Blue wool faded by 40 percent in salt air near the sea.",
    "authors": ["Novak, Petra", "Lian, Bo"],
    "year": 2019,
}
OTHER = {"title": "Bells", "abstract": "Church bells rust.", "authors": ["Haas, Uwe"], "year": 2022}


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("Novak et al. (2019) found that blue wool faded by 40 percent in salt air [1].", True),
        ("According to Novak and Lian (2019), blue wool faded by 40 percent in salt air [1].", True),
        ("Blue wool faded by 40 percent in salt air (Novak & Lian, 2019) [1].", True),
        ("Novak et al. (2018) found that blue wool faded by 40 percent in salt air [1].", False),
        ("Haas et al. (2019) found that blue wool faded by 40 percent in salt air [1].", False),
        ("According to Haas (2022), blue wool faded by 40 percent in salt air [1].", False),
    ],
)
def test_only_the_own_byline_of_a_paper_is_known(tmp_path: Path, reply: str, shown: bool) -> None:
    lines = (json.dumps(row) for row in (ROW, OTHER))
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    embedder = HashEmbedder()
    index_paths([tmp_path / "rows.jsonl"], tmp_path / "index", embedder=embedder)
    llm = ScriptedLLM(lambda messages: reply)
    settings = load_settings(index=tmp_path / "index", min_similarity=-1.0, abstracts_per_chat="all")
    with RAG(settings, embedder=embedder, llm=llm, verifier=NumberVerifier()) as rag:
        answer = rag.ask("By how much did blue wool fade in salt air?")
    assert answer.kind == "answer"
    assert (not answer.refused) == shown
