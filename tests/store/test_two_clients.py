"""A library on a Chroma server: one client changes it, another one reads."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from rag.indexing.build import build_index
from rag.indexing.changing.sync import Library
from rag.library import backup, restore
from rag.store.index import Store, open_store
from rag.store.live_index import LiveIndex
from rag.store.manifest import Manifest
from tests.conftest import HashEmbedder

TEXTS = [
    f"In valley {n} we count {n + 3} orchids and {n + 11} beetles on each of the meadows." for n in range(60)
]
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def write(file: Path, texts: list[str]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(json.dumps({"abstract": text}) for text in texts))


def nearest(store: Store, text: str, k: int = 1) -> list[str]:
    """Return the texts of the chunks that Chroma finds and the catalogue knows."""
    vector = store.alignment.apply(HashEmbedder().embed_query(text), "en", "passage")
    found = store.chunks([chunk_id for chunk_id, _ in store.dense(vector, k, "en")])
    return [chunk.text for _, chunk in found.values()]


def test_a_second_client_sees_a_change_as_soon_as_it_is_finished(tmp_path: Path, chroma_server: str) -> None:
    index, files = tmp_path / "index", tmp_path / "files"
    write(files / "a.jsonl", TEXTS)
    build_index([files], index, HashEmbedder, chroma_url=chroma_server)
    before = Manifest.read(index)
    with closing(open_store(index)) as old, closing(LiveIndex(index, "hash")) as live:
        write(files / "b.jsonl", ["A ferry that runs on hydrogen crosses the fjord eleven times a day."])
        write(files / "a.jsonl", TEXTS[1:])
        Library(index, HashEmbedder).sync(files)
        after = Manifest.read(index)
        assert after.collection_name == before.collection_name
        with live.reading() as now:
            assert "ferry" in nearest(now, "ferry hydrogen fjord")[0]
            assert TEXTS[0] not in nearest(now, TEXTS[0], 5)
            assert now.vectors.count() == after.chunks == 60
        # A client that has not looked again finds what it knows, and nothing that it does not.
        assert all("ferry" not in text for text in nearest(old, "ferry hydrogen fjord", 3))
        assert nearest(old, TEXTS[5]) == [TEXTS[5]]


def test_a_client_with_a_copy_of_the_catalogue_searches_the_same_server(
    tmp_path: Path, chroma_server: str
) -> None:
    index, copy = tmp_path / "index", tmp_path / "copy"
    write(tmp_path / "files" / "a.jsonl", TEXTS)
    build_index([tmp_path / "files"], index, HashEmbedder, chroma_url=chroma_server)
    shutil.copytree(index, copy)
    with closing(open_store(copy)) as store:
        assert nearest(store, TEXTS[7]) == [TEXTS[7]]


def test_a_change_that_was_interrupted_after_the_server_had_it_is_made_again(
    tmp_path: Path, chroma_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, files = tmp_path / "index", tmp_path / "files"
    write(files / "a.jsonl", TEXTS)
    build_index([files], index, HashEmbedder, chroma_url=chroma_server)
    write(files / "b.jsonl", ["A ferry that runs on hydrogen crosses the fjord eleven times a day."])
    with monkeypatch.context() as patched:
        patched.setattr("rag.store.manifest.json.dump", _stop)
        with pytest.raises(KeyboardInterrupt):
            Library(index, HashEmbedder).sync(files)
    with closing(open_store(index)) as store:
        assert store.vectors.count() == 61  # an orphan that no catalogue knows
        assert "ferry" not in nearest(store, "ferry hydrogen fjord")
    Library(index, HashEmbedder).sync(files)
    with closing(open_store(index)) as store:
        assert store.vectors.count() == store.manifest.chunks == 61


def _stop(*arguments: object, **named: object) -> None:
    raise KeyboardInterrupt


def test_a_backup_is_restored_to_a_server_with_its_vectors(tmp_path: Path, chroma_server: str) -> None:
    index = tmp_path / "index"
    write(tmp_path / "files" / "a.jsonl", TEXTS)
    build_index([tmp_path / "files"], index, HashEmbedder, chroma_url=chroma_server)
    backup(tmp_path / "b.tar.gz", index)
    restore(tmp_path / "b.tar.gz", tmp_path / "again")
    with closing(open_store(tmp_path / "again")) as store, closing(open_store(index)) as first:
        assert store.manifest.collection_name != first.manifest.collection_name
        assert nearest(store, TEXTS[7]) == nearest(first, TEXTS[7]) == [TEXTS[7]]
