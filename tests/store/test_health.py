"""Damage is found and mended from the catalogue without embedding; a backup brings an index back."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rag.errors import CorpusError, LibraryIndexError
from rag.indexing.build import build_index
from rag.library import backup, examine, remove, repair, restore
from rag.store.index import open_store
from rag.store.manifest import Manifest
from rag.store.vectors import open_vectors
from tests.conftest import HashEmbedder

TEXTS = (
    "We count herons along four rivers and find that their number doubles where the banks are wooded.",
    "A kiln that is fired with straw needs a third less fuel, as our measurements of nine kilns show.",
    "我们测量了九座窑炉的燃料消耗，发现使用稻草可以节省三分之一的燃料。",
)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"abstract": text}) for text in TEXTS))
    build_index([tmp_path / "a.jsonl"], tmp_path / "index", HashEmbedder)
    return tmp_path / "index"


def home(index: Path) -> Path:
    return index / Manifest.read(index).generation


def checks(index: Path) -> set[str]:
    return {finding.check for finding in examine(index, embedding_model="hash") if finding.level == "error"}


def searched(index: Path) -> tuple[list[str], list[str]]:
    with closing(open_store(index)) as store:
        ids = sorted(chunk for chunk, _ in store.catalog.chunk_ids())
        return [i for i, _ in store.lexical("herons rivers", 5)], [
            store.dense(store.aligned([i])[1], 1)[0][0] for i in ids[:2]
        ]


def break_lexical(index: Path) -> None:
    file = next((home(index) / "catalog.lexical" / "en").glob("*.idx"))
    file.write_bytes(file.read_bytes()[:-5])


def break_chroma(index: Path) -> None:
    shutil.rmtree(home(index) / "chroma")


def empty_chroma(index: Path) -> None:
    manifest = Manifest.read(index)
    with closing(open_store(index)) as store:
        first = store.catalog.chunk_ids()[0][0]
    with closing(open_vectors(home(index) / "chroma", manifest.collection_name, url=None)) as vectors:
        vectors.remove([(first, "en")])


def break_alignment(index: Path) -> None:
    (home(index) / "alignment.npz").write_bytes(b"PK")


def test_a_sound_index_has_no_error_and_nothing_to_repair(index: Path) -> None:
    assert checks(index) == set()
    assert repair(index, embedding_model="hash") == []


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        (break_lexical, "lexical index"),
        (break_chroma, "vectors"),
        (empty_chroma, "vectors"),
        (break_alignment, "alignment"),
    ],
)
def test_what_is_made_from_the_catalogue_is_made_again(index: Path, damage: object, check: str) -> None:
    before = searched(index)
    assert callable(damage)
    damage(index)
    assert checks(index) == {check}
    assert any(check in line for line in repair(index, embedding_model="hash"))
    assert checks(index) == set()
    assert searched(index) == before


def test_a_damaged_catalogue_is_said_with_the_remedy(index: Path) -> None:
    path = home(index) / "catalog.sqlite"
    data = bytearray(path.read_bytes())
    data[4096 : len(data) : 7] = b"\xa5" * len(data[4096 : len(data) : 7])
    path.write_bytes(data)
    assert checks(index) == {"catalogue"}
    with pytest.raises(LibraryIndexError, match="rag restore FILE"):
        repair(index, embedding_model="hash")


def test_odd_texts_are_listed_with_their_papers(tmp_path: Path) -> None:
    odd = {
        "wrong encoding": "The caf\ufffd serves \ufffdclairs to visitors who count the herons of the wooded river bank in the morning.",
        "cut off": "We see herons along four rivers and find that their number doubles wherever the banks of these rivers are no",
        "two languages": "We know " + TEXTS[0] + " " + TEXTS[2] * 2,
        "hardly say": "Herons are counted here.",
    }
    lines = [json.dumps({"abstract": text}) for text in (*odd.values(), *TEXTS)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    report = build_index([tmp_path / "a.jsonl"], tmp_path / "index", HashEmbedder)
    ids = {paper.text: paper.paper_id for paper in report.folded.kept}
    found = {
        finding.message: finding.papers
        for finding in examine(tmp_path / "index", embedding_model="hash")
        if finding.level == "warning" and finding.check == "texts"
    }
    for words, text in odd.items():
        (papers,) = [papers for message, papers in found.items() if words in message]
        own = next(i for t, i in ids.items() if t.split()[:4] == text.split()[:4] and t != TEXTS[0])
        assert own in papers
        assert ids[TEXTS[2]] not in papers


def test_a_backup_brings_an_index_back(index: Path, tmp_path: Path) -> None:
    before = searched(index)
    (index / "duplicates.jsonl").write_text('{"choice": "split", "papers": ["a", "b"]}\n')
    assert backup(tmp_path / "library.tar.gz", index) == (tmp_path / "library.tar.gz").stat().st_size
    remove(["a.jsonl"], index, embedder=HashEmbedder())
    (index / "duplicates.jsonl").unlink()
    assert restore(tmp_path / "library.tar.gz", index).works == 3
    assert searched(index) == before
    assert "split" in (index / "duplicates.jsonl").read_text()
    restore(tmp_path / "library.tar.gz", tmp_path / "elsewhere")
    assert searched(tmp_path / "elsewhere") == before


def test_where_no_backup_can_be_written_or_read_is_one_sentence(index: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "library.tar.gz"
    with pytest.raises(LibraryIndexError, match="name a file in a folder that can be written"):
        backup(nowhere, index)
    with pytest.raises(CorpusError, match="There is no file"):
        restore(nowhere, index)
    (tmp_path / "a.txt").write_text("no archive")
    with pytest.raises(CorpusError, match=r"restored \(it is no \.tar\.gz\); the index is as it was"):
        restore(tmp_path / "a.txt", index)


@pytest.mark.parametrize("cut", [0, 100, -200])
def test_a_damaged_backup_leaves_the_index_as_it_was(index: Path, tmp_path: Path, cut: int) -> None:
    before = searched(index)
    file = tmp_path / "library.tar.gz"
    backup(file, index)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(CorpusError, match="no backup"):
        restore(file, index)
    assert searched(index) == before
    assert [path for path in index.iterdir() if path.name.startswith(".restore")] == []


def test_rag_reads_a_file_that_is_no_sqlite(index: Path) -> None:
    path = home(index) / "catalog.sqlite"
    path.write_bytes(b"not a database")
    with pytest.raises(sqlite3.Error):
        sqlite3.connect(path).execute("SELECT 1 FROM papers")
    assert checks(index) == {"catalogue"}
