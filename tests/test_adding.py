"""Papers added to a library in use: from nothing, beside questions, with what was folded, stopped midway."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import CorpusError, UserError
from rag.pipeline import RAG
from rag.settings import load_settings
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

BEES = "We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent in spring and summer."
SEALS = "Seals rest on ice floes for 9 hours a day in the thaw of the southern spring."


@pytest.fixture
def empty(tmp_path: Path, embedder: HashEmbedder) -> Iterator[RAG]:
    settings = load_settings(index=tmp_path / "index", min_similarity=-1.0)
    llm, verifier = ScriptedLLM(lambda messages: "Yes [1]."), NumberVerifier()
    with RAG(settings, embedder=embedder, llm=llm, verifier=verifier, missing_ok=True) as rag:
        yield rag


def write(path: Path, *texts: str) -> Path:
    path.write_text("\n\n".join(texts), encoding="utf-8")
    return path


def test_an_empty_library_is_begun_and_goes_on(empty: RAG, tmp_path: Path) -> None:
    assert (empty.papers().total, empty.facets(), empty.examples(), empty.map().points) == (0, {}, (), ())
    first = empty.add([write(tmp_path / "a.txt", BEES)])
    assert [paper.text for paper in first.added] == [BEES]
    assert empty.papers("honey bees").total == 1
    second = empty.add([write(tmp_path / "b.txt", SEALS)])
    assert [paper.text for paper in second.added] == [SEALS]
    assert empty.papers().total == 2
    again = empty.add([tmp_path / "a.txt", tmp_path / "b.txt"])
    assert (again.added, again.folded, again.problems) == ((), (), ())


def test_a_report_says_what_was_folded_into_which_and_what_was_not_read(empty: RAG, tmp_path: Path) -> None:
    empty.add([write(tmp_path / "a.txt", BEES)])
    folder = tmp_path / "more"
    folder.mkdir()
    write(folder / "b.txt", BEES.replace("We count", "Here we count"), SEALS)
    (folder / "c.pdf").write_bytes(b"%PDF-1.7\n" + bytes(100))
    report = empty.add([folder])
    assert [paper.text for paper in report.added] == [SEALS]
    [(drop, kept)] = report.folded
    assert (drop.reason, drop.paper.sources[0].position) == ("near", 1)
    assert "honey bees" in kept.text
    [problem] = report.problems
    assert problem.file.endswith("c.pdf")
    assert set(report.to_dict()) == {"added", "folded", "problems"}


def test_what_was_folded_is_parted_by_hand_and_joined_again(empty: RAG, tmp_path: Path) -> None:
    empty.add([write(tmp_path / "a.txt", BEES, BEES.replace("We count", "Here we count"))])
    [[paper]] = empty.papers().works
    work = empty.work(paper.paper_id)
    assert work is not None
    [folded] = work.folded
    empty.decide(paper.paper_id, folded.paper.paper_id, one_work=False)
    assert empty.papers().total == 2
    empty.decide(paper.paper_id, folded.paper.paper_id, one_work=True)
    assert empty.papers().total == 1
    with pytest.raises(UserError, match="same text"):
        empty.decide(paper.paper_id, paper.paper_id, one_work=False)


def test_stopping_leaves_the_library_as_it_was(empty: RAG, tmp_path: Path) -> None:
    empty.add([write(tmp_path / "a.txt", BEES)])
    stop, stages = threading.Event(), []

    def heard(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        stop.set()

    with pytest.raises(UserError, match="stopped"):
        empty.add([write(tmp_path / "b.txt", SEALS)], heard, stop)
    assert stages
    assert empty.papers().total == 1
    assert len(empty.add([tmp_path / "b.txt"]).added) == 1


def test_a_path_that_is_not_there_adds_nothing(empty: RAG, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere"):
        empty.add([tmp_path / "nowhere"])
    assert empty.papers().total == 0
