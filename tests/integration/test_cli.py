"""The command line as a user meets it: output, exit codes, one sentence an error, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rag
from rag.cli.main import main


def run(*arguments: str, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `rag` in a process of its own, with none of this user's settings."""
    process = start(*arguments, **environment)
    output, errors = process.communicate(text, timeout=400)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start `rag` in a process of its own."""
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith("RAG_") or key == "RAG_CACHE"
    }
    return subprocess.Popen(
        [sys.executable, "-m", "rag", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=clean | {"PYTHONIOENCODING": "utf-8"} | environment,
    )


def assert_one_sentence(result: subprocess.CompletedProcess[str], code: int) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("rag: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom rag.cli.main import main\n"
        "main(['--help'])\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'chromadb', 'gradio', 'llama_index', 'sentence_transformers'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "[]"
    assert all(command in result.stdout for command in ("index", "ask", "search", "chat", "info", "models"))


@pytest.mark.parametrize("command", [["ask", "What?"], ["search", "x"], ["info"]])
def test_without_an_index_a_command_names_the_one_that_builds_it(tmp_path: Path, command: list[str]) -> None:
    result = run(*command, "--index", str(tmp_path / "none"))
    assert_one_sentence(result, 2)
    assert "rag index" in result.stderr


def test_unknown_settings_and_arguments_are_a_users_mistake(tmp_path: Path) -> None:
    assert_one_sentence(run("info", RAG_TOPK="3"), 2)
    assert run("ask").returncode == 2
    assert run("nonsense").returncode == 2


def test_a_missing_corpus_is_a_users_mistake(tmp_path: Path) -> None:
    assert_one_sentence(run("index", str(tmp_path / "no such"), "--index", str(tmp_path / "i")), 2)


def test_the_public_names_are_these_and_all_of_them_load() -> None:
    assert set(rag.__all__) == {
        "AddReport", "AlignedEmbedding", "Alignment", "Answer", "Chunk", "Citation", "CorpusError",
        "Drop", "Evidence", "ExportFile", "Filters", "FoldedText", "Highlight", "IndexBusyError",
        "IndexMismatchError", "IndexMissingError", "LLMError", "LLMResponseError",
        "LLMUnreachableError", "Language", "LibraryIndexError", "MAX_QUESTION_CHARS", "MapPoint",
        "ModelError", "Paper", "PaperMap", "PaperPage", "Prefill", "Problem", "ProgressEvent", "QuestionError", "RAG",
        "RagError", "Saved", "ScoredChunk", "Sentence", "Settings", "SettingsError", "Source",
        "SourcesEvent", "Stage", "StreamEvent", "TextEvent", "Timings", "Trial", "UserError", "WorkDetails",
        "add_paths", "ask", "export_answer", "export_conversation", "export_papers", "index_paths",
        "load_settings", "plain_text", "remove", "save_settings", "settings_file", "sync_path",
    }  # fmt: skip
    assert all(getattr(rag, name) is not None for name in rag.__all__)
    assert not hasattr(rag, "no_such_name")


@pytest.mark.parametrize("command", [["models"], ["--help"]])
def test_a_reader_that_has_gone_is_no_error(command: list[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        result = subprocess.run(
            [sys.executable, "-m", "rag", *command],
            stdout=gone,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_full_disk_for_the_output_is_one_sentence() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "rag", "models"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.startswith(b"rag: the disk is full")


def test_missing_standard_input_and_other_encodings_are_no_traceback(
    tmp_path: Path, small_corpus: Path, embedder: object
) -> None:
    rag.index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    shown = run("info", "--json", "--index", str(tmp_path / "index"), PYTHONIOENCODING="latin-1")
    assert shown.returncode == 0
    assert "Traceback" not in shown.stderr


def test_json_of_info_lists_what_is_indexed(
    tmp_path: Path, small_corpus: Path, embedder: object, capsys: pytest.CaptureFixture[str]
) -> None:
    rag.index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    assert main(["info", "--json", "--index", str(tmp_path / "index")]) == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["records"], info["papers"], info["works"], info["chunks"]) == (4, 3, 3, 3)
    assert info["llm"]["endpoint"] is None
    assert main(["info", "--index", str(tmp_path / "index")]) == 0
    shown = capsys.readouterr().out
    assert "4 read" in shown
    assert "2 English, 1 Chinese" in shown


@pytest.mark.parametrize("text", ["", "-", "abc", "2018-x", "2018--2020"])
def test_what_is_no_year_is_a_users_mistake(text: str) -> None:
    result = run("search", "x", f"--year={text}")
    assert result.returncode == 2
    assert "such as 2020" in result.stderr
