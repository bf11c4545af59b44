"""`rag duplicates` as a user meets it: the list, why, and choices by hand that the next fold keeps to."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from rag.cli.duplicates import add_duplicates
from rag.errors import LibraryIndexError, UserError
from rag.indexing.build import build_index
from rag.indexing.decisions import Decisions, load_decisions, save_decisions
from rag.indexing.dedup.folding import deduplicate
from rag.text.cleaning import paper_id
from tests.conftest import HashEmbedder
from tests.indexing.records import ENGLISH, paper

COPY = ENGLISH.replace("distillation", "distilation")
OTHER = "Robots play soccer in the humanoid league; goalkeepers learned to dive within 40 minutes of play."


def run(index: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--index")
    add_duplicates(parser.add_subparsers(required=True), common)
    parsed = parser.parse_args(["duplicates", *arguments, "--index", str(index)])
    code: int = parsed.run(parsed)
    return code


@pytest.fixture
def index(tmp_path: Path) -> Path:
    records = [{"title": "Tiny", "abstract": ENGLISH}, {"abstract": COPY}, {"abstract": OTHER}]
    corpus = tmp_path / "library.jsonl"
    corpus.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    build_index([corpus], tmp_path / "index", HashEmbedder)
    return tmp_path / "index"


def test_the_list_names_what_was_kept_and_what_was_folded_and_why(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(index) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [paper_id(ENGLISH), "Tiny"]
    assert paper_id(COPY) in lines[1]
    assert "library.jsonl #2: nearly the same abstract" in lines[1]
    assert len(lines) == 2
    assert run(index, "--json") == 0
    [work] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert work["folded"][0]["paper"]["text"] == COPY
    assert [kept["paper_id"] for kept in work["kept"]] == [paper_id(ENGLISH)]


def test_explain_says_what_each_test_found(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(index, "explain", paper_id(ENGLISH)[:8], paper_id(COPY)) == 0
    shown = capsys.readouterr().out
    assert "One work: nearly the same abstract" in shown
    assert "contradiction  none" in shown
    assert run(index, "explain", paper_id(ENGLISH), paper_id(OTHER)) == 0
    assert "Two works" in capsys.readouterr().out


def test_what_is_split_and_joined_by_hand_is_kept_to(
    index: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.library.configured_embedder", lambda settings, fetch: HashEmbedder())
    assert run(index, "split", paper_id(ENGLISH), paper_id(COPY)) == 0
    assert run(index, "join", paper_id(OTHER), paper_id(COPY)) == 0
    capsys.readouterr()
    assert run(index) == 0
    assert "by hand" in capsys.readouterr().out  # the index is folded again at once
    result = deduplicate([paper(t, i) for i, t in enumerate([ENGLISH, COPY, OTHER])], load_decisions(index))
    assert sorted(len(kept.sources) for kept in result.kept) == [1, 2]
    assert [drop.reason for drop in result.dropped] == ["by hand"]
    assert run(index, "explain", paper_id(ENGLISH), paper_id(COPY)) == 0
    assert "kept apart by hand" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        (("0123", paper_id(COPY)), "no paper has this id"),
        (("", paper_id(COPY)), "3 papers have an id"),
        ((paper_id(COPY), paper_id(COPY)[:10]), "the same text"),
    ],
)
def test_an_id_that_names_no_paper_or_several_is_refused(
    index: Path, ids: tuple[str, str], problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        run(index, "join", *ids)
    assert load_decisions(index) == Decisions()


def test_a_later_choice_replaces_an_earlier_one_and_all_survive_writing(tmp_path: Path) -> None:
    chosen = Decisions().join("a", "b").keep_apart("c", "d").keep_apart("b", "a")
    assert chosen == Decisions(split=frozenset({frozenset("ab"), frozenset("cd")}))
    save_decisions(tmp_path, chosen.join("e", "f"))
    assert load_decisions(tmp_path) == chosen.join("e", "f")
    assert [file.name for file in tmp_path.iterdir()] == ["duplicates.jsonl"]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"choice": "keep", "papers": ["a", "b"]}', '{"choice": "join"}']
)
def test_a_damaged_line_is_named_and_nothing_is_overwritten(tmp_path: Path, line: str) -> None:
    file = tmp_path / "duplicates.jsonl"
    file.write_text(f'{{"choice": "join", "papers": ["a", "b"]}}\n{line}\n', encoding="utf-8")
    with pytest.raises(LibraryIndexError, match="Line 2"):
        load_decisions(tmp_path)
    assert line in file.read_text(encoding="utf-8")
