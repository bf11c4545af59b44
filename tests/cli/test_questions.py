"""`rag export`, and what the commands say that a reader may get wrong."""

from __future__ import annotations

import errno
import json
import socket
from pathlib import Path

import bibtexparser
import pytest

import rag
from rag.cli.main import main
from rag.cli.output import search_results
from tests.export.samples import LAMPS, found
from ui.server import _why_not


@pytest.fixture
def index(tmp_path: Path, small_corpus: Path, embedder, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RAG_EMBEDDING_MODEL", "hash")
    rag.index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    return str(tmp_path / "index")


def test_the_library_is_exported_to_a_file_and_to_the_screen(
    index: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "library.bib"
    assert main(["export", "--index", index, "-o", str(file)]) == 0
    assert len(bibtexparser.parse_string(file.read_text(encoding="utf-8")).entries) == 3
    assert "Wrote 3 references to" in capfdbinary.readouterr().err.decode()
    assert main(["export", "--index", index, "--format", "csl", "--language", "zh"]) == 0
    shown = capfdbinary.readouterr()
    assert [item["language"] for item in json.loads(shown.out.decode("utf-8"))] == ["zh"]
    assert shown.err.decode() == "Wrote 1 reference.\n"


def test_what_cannot_be_exported_is_one_sentence(
    index: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--index", index, "-o", str(tmp_path / "no" / "such.bib")]) == 2
    assert "name another file" in capsys.readouterr().err
    assert main(["export", "--index", index, "--source", "nowhere.txt"]) == 2
    assert "nowhere.txt" in capsys.readouterr().err
    assert main(["ask", "-", "--format", "html"]) == 2
    assert "ask a single question" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["65536", "-1", "http", "80.5", "", "８０"])
def test_a_wrong_port_is_one_sentence(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", f"--port={port}"]) == 2
    assert (
        capsys.readouterr().err
        == f"rag: {port!r} is no port; give a number from 0 (any free one) to 65535.\n"
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EADDRINUSE, "x"), "Port 80 on host is already in use; choose another"),
        (
            PermissionError(errno.EACCES, "x"),
            "Port 80 on host is for the administrator of this machine alone; choose",
        ),
        (
            OSError(errno.EADDRNOTAVAIL, "x"),
            "This machine has no address host; give one that it has with `--host`.",
        ),
        (socket.gaierror(-2, "x"), "This machine has no address host;"),
    ],
)
def test_a_port_that_cannot_be_had_says_why(error: OSError, words: str) -> None:
    assert _why_not(error, "host", 80).startswith(words)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("citefold 0.")


def test_a_search_that_is_near_nothing_says_so() -> None:
    assert (
        search_results([found(LAMPS)], near=False)
        == "No abstract is near this query; --all lists the nearest."
    )
    assert "Amber lamps calm otters" in search_results([found(LAMPS)])
    assert search_results([], near=False) == "Nothing found."
