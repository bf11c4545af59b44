"""`rag models` as a user meets it: the list, names of the hub, checks, and the test of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.cli.main import main
from rag.factory import needed_models
from rag.models import defaults as models
from rag.settings import load_settings
from tests import bad_endpoint as bad
from tests.evaluation.test_model_check import GOOD


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def answering(replies: dict[str, str]) -> bad.Behaviour:
    def behave(handler: bad.Handler) -> None:
        asked = json.dumps(handler.server.recorder.bodies[-1]["messages"][-1], ensure_ascii=False)
        reply = next((reply for begin, reply in replies.items() if begin in asked), "Both are retold here.")
        bad.good(reply)(handler)

    return behave


def test_the_list_says_what_each_model_is_for_and_under_which_terms(
    capsys: pytest.CaptureFixture[str],
) -> None:
    models.record_speed("qwen2.5-coder-1.5b", 64.6, 23.5)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert "65 / 24" in rows["qwen2.5-coder-1.5b"]
    assert "not run here" in rows["qwen3-4b-instruct-2507"]
    assert "Gemma Terms of Use" in rows["embeddinggemma-300m"]
    assert all(" no " in rows[name] for name in models.names())
    assert any(line.startswith("EmbeddingGemma is provided under and subject to") for line in lines)


def test_the_judge_is_fetched_only_by_those_who_use_it() -> None:
    assert needed_models(load_settings()) == ["embeddinggemma-300m", "qwen2.5-coder-1.5b"]


def test_a_name_of_the_hub_that_cannot_be_reached_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "hub:nobody/tiny/tiny.gguf"]) == 1
    assert capsys.readouterr().err.startswith("rag: The model hub:nobody/tiny/tiny.gguf could not be fetched")


def test_a_name_of_the_hub_is_a_language_model_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAG_LLM_MODEL", "hub:nobody/tiny/tiny.gguf")
    assert main(["models", "test"]) == 1
    assert "hub:nobody/tiny/tiny.gguf could not be fetched" in capsys.readouterr().err


def test_verify_checks_what_is_here_and_names_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify"]) == 0
    assert main(["models", "verify", "multilingual-e5-small"]) == 1
    assert "is not on this machine" in capsys.readouterr().err


@pytest.mark.parametrize(("changes", "code"), [({}, 0), ({"How many nurses": "300 nurses [1]."}, 1)])
def test_an_endpoint_is_tested_and_the_exit_code_says_whether_it_follows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changes: dict[str, str], code: int
) -> None:
    with bad.serve(answering(GOOD | changes)) as server:
        monkeypatch.setenv("RAG_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("RAG_LLM_MODEL", "some-model")
        assert main(["models", "test"]) == code
    out = capsys.readouterr().out
    assert out.startswith("some-model: reads ")
    assert out.count("\nyes ") == 7 - code
    assert out.count("\nNO ") == code
    assert models.speeds() == {}, "the speed of another machine says nothing of this one"


def test_a_gguf_that_is_none_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.gguf").write_bytes(b"none")
    assert main(["models", "test", str(tmp_path / "x.gguf")]) == 1
    assert "is not a GGUF file" in capsys.readouterr().err


def test_damaged_speeds_count_as_none(tmp_path: Path) -> None:
    models.record_speed("a", 1, 2)
    (tmp_path / "cache" / "models" / "speeds.json").write_text("{")
    assert models.speeds() == {}
