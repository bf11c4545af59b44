"""The size of a language model, read off its name, decides how many abstracts it reads at once."""

from __future__ import annotations

import pytest

from rag.llm.size import parameters, reads_together
from tests.conftest import ScriptedLLM


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("qwen2.5-coder-1.5b", 1.5),
        ("hub:unsloth/Qwen3-4B-Instruct-2507-GGUF/Qwen3-4B-Instruct-2507-Q4_K_M.gguf", 4),
        ("Qwen3-30B-A3B", 30),
        ("mixtral-8x7b", 56),
        ("gemma3n:e4b", 4),
        ("gemma-3-270m-it", 0.27),
        ("gpt-4o", None),
        ("deepseek-chat", None),
        ("model-v2.5bis", None),
    ],
)
def test_the_size_is_read_off_the_name(name: str, size: float | None) -> None:
    assert parameters(name) == size


@pytest.mark.parametrize(
    ("name", "endpoint", "together"),
    [
        ("qwen2.5-coder-1.5b", None, False),
        ("llama3.2:1b", "localhost:11434", False),
        ("qwen3-4b-instruct-2507", None, True),
        ("deepseek-chat", "api.example", True),
        ("some-model", None, False),
    ],
)
def test_a_large_model_reads_abstracts_together_and_the_setting_wins(
    name: str, endpoint: str | None, together: bool
) -> None:
    llm = ScriptedLLM(lambda _: "")
    llm.name, llm.endpoint = name, endpoint
    assert reads_together(llm) == together
    assert reads_together(llm, "all")
    assert not reads_together(llm, "one")
