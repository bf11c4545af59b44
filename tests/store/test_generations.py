"""What a change writes before it appears, and what it deletes afterwards."""

from __future__ import annotations

import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Collection
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.embedding.alignment import normalise_rows
from rag.library import examine
from rag.schema import Chunk
from rag.store import nodes, writing
from rag.store.catalog_writer import NO_PASSAGES, CatalogChange
from rag.store.generations import hold, left_over
from rag.store.manifest import Manifest
from rag.store.records import Inputs
from rag.store.vectors import open_vectors
from tests.store.test_store import contents, manifest

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    directory = tmp_path / "index"
    with writing.writing(directory):
        writing.write_store(directory, manifest(), contents())
    return directory


def old_generation(index: Path, name: str) -> Path:
    home = index / name
    shutil.copytree(index / Manifest.read(index).generation, home)
    return home


@pytest.mark.parametrize(("free", "first"), [(10**12, "published"), (1, "swept")])
def test_old_generations_go_after_the_new_one_is_in_use_unless_the_disk_is_full(
    index: Path, monkeypatch: pytest.MonkeyPatch, free: int, first: str
) -> None:
    old_generation(index, "older")
    before, done = Manifest.read(index).generation, []
    sweep = writing.sweep

    def watched(directory: Path, keep: Collection[str]) -> None:
        done.append("swept" if Manifest.read(directory).generation == before else "published")
        sweep(directory, keep)

    monkeypatch.setattr(writing, "sweep", watched)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**13, 0, free))
    with writing.writing(index):
        writing.write_store(index, manifest(), contents())
    assert done[0] == first
    assert {home.name for home in index.iterdir() if home.is_dir()} == {
        before,
        Manifest.read(index).generation,
    }


def test_what_nobody_reads_and_what_a_killed_restore_left_goes(index: Path) -> None:
    current = Manifest.read(index).generation
    read, unread = old_generation(index, "read"), old_generation(index, "unread")
    hold(unread, manifest())()  # read once, and no more
    (index / ".restore-1").mkdir()
    reader = manifest()
    release = hold(read, reader)
    assert {home.name for home in left_over(index, {current})} == {"unread", ".restore-1"}
    release()
    assert {home.name for home in left_over(index, {current})} == {"read", "unread", ".restore-1"}


def test_doctor_counts_the_folders_that_wait_for_deletion(index: Path) -> None:
    def notes() -> list[str]:
        found = examine(index, embedding_model="e5")
        return [finding.message for finding in found if finding.check == "disk"]

    hold(old_generation(index, "older"), manifest())()
    assert notes() == []
    hold(old_generation(index, "oldest"), manifest())()
    assert notes() == ["2 folders of earlier builds wait for the next change."]


def logged(folder: Path) -> int:
    """Return how many changes Chroma's graph on disk lacks."""
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as db:
        rows = "SELECT scope, max(coalesce(seq_id, 0)) FROM segments LEFT JOIN max_seq_id ON segment_id = id"
        known = dict(db.execute(f"{rows} GROUP BY scope"))
    return int(known["METADATA"]) - int(known["VECTOR"])


@pytest.mark.parametrize("count", [2, 40, 99, 101, 350])
def test_a_finished_index_leaves_nothing_in_the_log_of_chroma(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(nodes, "BATCH", 40)
    monkeypatch.setattr("rag.store.vectors._LOGGED_NEW", 100)
    written = contents()
    text = written.papers["p0"].text
    chunks = [Chunk(f"c{n}", "p0", text, 0, len(text), "en") for n in range(count)]
    vectors = normalise_rows(np.random.default_rng(0).standard_normal((count, 8)).astype(np.float32))
    with closing(open_vectors(tmp_path, "log", url=None, create={"en": count})) as found:
        found.add(chunks, vectors, written.papers)
        assert found.log_less()
        assert found.count() == count
    assert logged(tmp_path) == 0
    more = [replace(chunks[0], chunk_id=f"d{n}") for n in range(2)]
    with closing(open_vectors(tmp_path, "log", url=None)) as found:
        found.add(more, vectors[:2], written.papers)
        assert found.search(vectors[:1], count, "en")[0][1] == pytest.approx(1)
    assert logged(tmp_path) == 2, "a small change waits for others"


def test_a_long_log_of_an_older_version_is_taken_in_by_the_writer(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, written = Manifest.read(index), contents()
    chunks = [replace(written.passages.chunks[0], chunk_id=f"c{n}") for n in range(5)]
    folder = index / current.generation / "chroma"
    with closing(open_vectors(folder, current.collection_name, url=None)) as found:
        found.add(chunks, written.aligned[[0] * 5], written.papers)
    assert logged(folder) >= 5
    monkeypatch.setattr("rag.store.vectors._LOGGED", 3)
    now = replace(current, generation="changed", collection=current.collection_name)
    nothing = CatalogChange({}, NO_PASSAGES, Inputs())
    with writing.writing(index):
        writing.change_store(index, now, writing.Change(nothing, {}, NO_PASSAGES.vectors, ()))
    assert logged(index / "changed" / "chroma") == 0
