"""Changed settings in the settings file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from rag.errors import SettingsError
from rag.settings import load_settings
from rag.settings_file import save_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own" / "citefold.toml"
    path.parent.mkdir()
    path.write_text('# mine\ntop_k = 4  # four\nllm_model = "m"\n', encoding="utf-8")
    monkeypatch.setenv("RAG_SETTINGS", str(path))
    return path


def test_what_is_saved_is_read_at_the_next_start_and_comments_stay(file: Path) -> None:
    save_settings({"top_k": 6, "refusal": "lenient", "llm_api_key": SecretStr("sk-1"), "llm_model": None})
    settings = load_settings()
    assert (settings.top_k, settings.refusal) == (6, "lenient")
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == "sk-1"
    text = file.read_text(encoding="utf-8")
    assert "# mine" in text
    assert "# four" in text
    assert "llm_model" not in text


def test_only_the_owner_may_read_it_and_no_other_file_is_left(file: Path) -> None:
    file.chmod(0o644)
    save_settings({"top_k": 6})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_that_does_not_exist_yet_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "new"))
    assert save_settings({"top_k": 6}).file.is_file()
    assert load_settings().top_k == 6


def test_a_damaged_file_is_left_as_it_is(file: Path) -> None:
    file.write_text("top_k = = 4", encoding="utf-8")
    with pytest.raises(SettingsError, match="not valid TOML"):
        save_settings({"top_k": 6})
    assert file.read_text(encoding="utf-8") == "top_k = = 4"


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RAG_SETTINGS", str(tmp_path / "file" / "citefold.toml"))
    with pytest.raises(SettingsError, match="until citefold is stopped"):
        save_settings({"top_k": 6})


def test_the_environment_wins_and_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_TOP_K", "2")
    monkeypatch.setenv("RAG_REFUSAL", "")
    saved = save_settings({"top_k": 6, "refusal": "lenient"})
    assert (saved.file, saved.overruled_by) == (file, ("RAG_TOP_K",))
    assert load_settings().top_k == 2
