"""An index that is changed file by file holds what one that is built anew from the same files holds."""

from __future__ import annotations

import json
import os
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rag.errors import CorpusError, IndexMismatchError, IndexMissingError
from rag.indexing.build import build_index
from rag.indexing.changing.sync import Library
from rag.store.index import open_store
from rag.store.manifest import SCHEMA_VERSION, Manifest
from tests.conftest import HashEmbedder

SUBJECTS = ("amber lamps", "river otters", "tidal mills", "sour cherries", "copper roofs", "salt marshes")
TEXTS = [
    f"We measure {subject} over {years} winters and find that the loss of {subject} falls with altitude in "
    f"all regions that we visited."
    for subject in SUBJECTS
    for years in (3, 12)
] + [f"我们研究了{name}在冬季的变化，发现其损失随海拔升高而下降。" for name in ("水獭", "樱桃", "铜屋顶")]
Files = dict[str, list[int]]


def write(folder: Path, files: Files) -> None:
    """Make `folder` hold these files; a number stands for a record, an odd copy has a title."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        if old.name.removesuffix(".jsonl") not in files:
            old.unlink()
    for name, numbers in files.items():
        records = []
        for number in numbers:
            record: dict[str, Any] = {"abstract": TEXTS[number % len(TEXTS)]}
            if number >= len(TEXTS):
                record |= {"title": f"On {number % len(TEXTS)}", "year": 2000 + number}
            records.append(json.dumps(record, ensure_ascii=False))
        text = "\n".join(records)
        path = folder / f"{name}.jsonl"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def library(index: Path, embedder: HashEmbedder | None = None) -> Library:
    return Library(index, lambda: embedder or HashEmbedder())


def contents(index: Path) -> dict[str, Any]:
    """Return everything in an index that does not depend on the order of writing."""
    store = open_store(index)
    with closing(store):
        catalog, manifest = store.catalog, store.manifest
        ids = sorted(chunk for chunk, _ in catalog.chunk_ids())
        found = {
            word: sorted(i for i, _ in store.lexical(word, 50)) for word in ("otters", "樱桃", "winters")
        }
        dense = {i: round(store.dense(store.aligned([i])[1], 1)[0][1], 3) for i in ids}
        return {
            "papers": {p.paper_id: p for p in catalog.papers()},
            "drops": sorted((d["kept_id"], d["reason"], str(d["paper"]["sources"])) for d in catalog.drops()),
            "records": sorted((r.source.file, r.source.position, r.kept_id) for r in catalog.records()),
            "inputs": {name: file.digest for name, file in catalog.inputs().items()},
            "counts": (manifest.records, manifest.papers, manifest.works, manifest.chunks, manifest.languages),
            "chunks": ids, "found": found, "dense": dense, "stored": store.vectors.count(),
        }  # fmt: skip


def built(folder: Path, index: Path) -> dict[str, Any]:
    build_index([folder], index, HashEmbedder)
    return contents(index)


NUMBERS = st.lists(st.integers(0, 2 * len(TEXTS) - 1), min_size=1, max_size=8)
FOLDERS = st.dictionaries(st.sampled_from("abcd"), NUMBERS, min_size=1, max_size=4)


@settings(max_examples=4, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(FOLDERS, min_size=2, max_size=3))
def test_after_any_changes_a_sync_gives_what_a_build_gives(
    tmp_path_factory: pytest.TempPathFactory, states: list[Files]
) -> None:
    tmp = tmp_path_factory.mktemp("sync")
    write(tmp / "files", states[0])
    build_index([tmp / "files"], tmp / "index", HashEmbedder)
    for state in states[1:]:
        write(tmp / "files", state)
        library(tmp / "index").sync(tmp / "files")
    assert contents(tmp / "index") == built(tmp / "files", tmp / "anew")


def test_a_change_embeds_and_writes_only_what_is_new(tmp_path: Path) -> None:
    write(tmp_path / "files", {"a": list(range(12)), "b": [12, 13]})
    build_index([tmp_path / "files"], tmp_path / "index", HashEmbedder)
    write(tmp_path / "files", {"a": list(range(12)), "b": [12, 13, 14]})
    embedder = HashEmbedder()
    (report,) = library(tmp_path / "index", embedder).sync(tmp_path / "files")
    assert embedder.embedded == [TEXTS[14]]
    assert [paper.text for paper in report.added] == [TEXTS[14]]
    assert library(tmp_path / "index").sync(tmp_path / "files") == []


def test_a_small_change_of_a_large_index_goes_into_a_copy(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    words = [f"word{n}" for n in range(400)]
    (tmp_path / "many.jsonl").write_text(
        "\n".join(json.dumps({"abstract": " ".join(rng.choice(words, 30))}) for _ in range(400))
    )
    build_index([tmp_path / "many.jsonl"], tmp_path / "index", HashEmbedder)
    before = Manifest.read(tmp_path / "index")
    (tmp_path / "one.txt").write_text("A single lighthouse keeper counted the gannets of the northern cliff.")
    (report,) = library(tmp_path / "index").add([tmp_path / "one.txt"])
    assert report.manifest.collection == before.collection_name  # changed in place, in a copy
    with closing(open_store(tmp_path / "index")) as store:
        assert store.manifest.works == before.works + 1
        assert store.vectors.count() == store.manifest.chunks
        (hit, _), *_ = store.lexical("gannets", 3)
        assert store.dense(store.aligned([hit])[1], 1)[0][0] == hit
    (report,) = library(tmp_path / "index").remove(["one.txt"])
    with closing(open_store(tmp_path / "index")) as store:
        assert store.lexical("gannets", 3) == []
        assert (store.manifest.works, store.vectors.count()) == (before.works, before.chunks)


def test_a_reader_goes_on_with_what_it_has_opened(tmp_path: Path) -> None:
    write(tmp_path / "files", {"a": [0, 1]})
    build_index([tmp_path / "files"], tmp_path / "index", HashEmbedder)
    with closing(open_store(tmp_path / "index")) as store:
        for number in (2, 3, 4):
            write(tmp_path / "files", {"a": [0, 1], "b": [number]})
            library(tmp_path / "index").sync(tmp_path / "files")
        assert len(store.dense(store.aligned([store.catalog.chunk_ids()[0][0]])[1], 9)) == 2
        assert store.lexical("amber lamps", 9)
    homes = [path for path in (tmp_path / "index").iterdir() if path.is_dir()]
    library(tmp_path / "index").remove(["b.jsonl"])
    assert len([path for path in (tmp_path / "index").iterdir() if path.is_dir()]) == 2 < len(homes) + 1


def test_files_are_removed_by_name_and_papers_by_id(tmp_path: Path) -> None:
    write(tmp_path / "files", {"a": [0, 1], "b": [1, 2], "c": [3]})
    build_index([tmp_path / "files"], tmp_path / "index", HashEmbedder)
    library(tmp_path / "index").remove(["b.jsonl"])
    papers = contents(tmp_path / "index")["papers"].values()
    assert sorted(paper.text for paper in papers) == sorted([TEXTS[0], TEXTS[1], TEXTS[3]])
    gone = next(paper for paper in papers if paper.text == TEXTS[0])
    library(tmp_path / "index").remove([gone.paper_id])
    assert gone.paper_id not in contents(tmp_path / "index")["papers"]
    with pytest.raises(CorpusError, match=r"Nothing in the index comes from 'd\.jsonl'"):
        library(tmp_path / "index").remove(["c.jsonl", "d.jsonl"])
    assert "c.jsonl" in contents(tmp_path / "index")["inputs"]


def test_the_id_of_a_paper_leads_to_it_after_it_was_folded_into_another(tmp_path: Path) -> None:
    write(tmp_path / "files", {"a": [0]})
    build_index([tmp_path / "files"], tmp_path / "index", HashEmbedder)
    with closing(open_store(tmp_path / "index")) as store:
        (before,) = store.catalog.papers()
    longer = {
        "title": "Lamps",
        "abstract": TEXTS[0].replace("that we visited", "that we have visited"),
        "year": 2020,
    }
    (tmp_path / "files" / "b.jsonl").write_text(json.dumps(longer))
    library(tmp_path / "index").sync(tmp_path / "files")
    with closing(open_store(tmp_path / "index")) as store:
        (after,) = store.catalog.papers()
        assert after.paper_id != before.paper_id
        assert store.catalog.resolve(before.paper_id) == store.catalog.resolve(after.paper_id) == after
        assert store.catalog.resolve("nothing") is None
        (drop,) = store.catalog.drops()
        assert drop["paper"]["text"] == before.text


def test_files_of_one_name_from_two_folders_stay_apart(tmp_path: Path) -> None:
    for folder, number in (("one", 0), ("two", 2)):
        write(tmp_path / folder, {"a": [number]})
    build_index([tmp_path / "one"], tmp_path / "index", HashEmbedder)
    library(tmp_path / "index").add([tmp_path / "two"])
    assert sorted(contents(tmp_path / "index")["inputs"]) == ["a.jsonl", "two/a.jsonl"]
    write(tmp_path / "two", {"a": [4]})
    library(tmp_path / "index").sync(tmp_path / "two")
    texts = {paper.text for paper in contents(tmp_path / "index")["papers"].values()}
    assert texts == {TEXTS[0], TEXTS[4]}


def test_a_file_that_cannot_be_opened_keeps_its_papers(tmp_path: Path) -> None:
    write(tmp_path / "files", {"a": [0], "b": [2]})
    build_index([tmp_path / "files"], tmp_path / "index", HashEmbedder)
    (tmp_path / "files" / "b.jsonl").unlink()
    os.mkfifo(tmp_path / "files" / "b.jsonl")
    (report,) = library(tmp_path / "index").sync(tmp_path / "files")
    assert [problem.file for problem in report.problems] == ["b.jsonl"]
    assert len(contents(tmp_path / "index")["papers"]) == 2
    assert library(tmp_path / "index").sync(tmp_path / "files") == []


def test_a_file_that_could_not_be_opened_is_missed_once_deleted_and_read_once_it_can_be(
    tmp_path: Path,
) -> None:
    write(tmp_path / "files", {"a": [0], "b": [2], "c": [4]})
    build_index([tmp_path / "files"], tmp_path / "index", HashEmbedder)
    texts = {name: (tmp_path / "files" / name).read_bytes() for name in ("b.jsonl", "c.jsonl")}
    for name in texts:
        (tmp_path / "files" / name).unlink()
        os.mkfifo(tmp_path / "files" / name)
    library(tmp_path / "index").sync(tmp_path / "files")
    for name in texts:
        (tmp_path / "files" / name).unlink()
    (tmp_path / "files" / "c.jsonl").write_bytes(texts["c.jsonl"])
    (report,) = library(tmp_path / "index").sync(tmp_path / "files")
    assert (len(report.added), len(report.removed), report.problems) == (0, 1, ())
    after = contents(tmp_path / "index")
    assert {paper.text for paper in after["papers"].values()} == {TEXTS[0], TEXTS[4]}
    assert sorted(after["inputs"]) == ["a.jsonl", "c.jsonl"]
    with closing(open_store(tmp_path / "index")) as store:
        assert store.catalog.problems() == []


def test_an_empty_folder_and_a_missing_index_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "files", {"a": [0]})
    with pytest.raises(IndexMissingError, match="rag index"):
        library(tmp_path / "index").sync(tmp_path / "files")
    build_index([tmp_path / "files"], tmp_path / "index", HashEmbedder)
    (tmp_path / "files" / "a.jsonl").unlink()
    with pytest.raises(CorpusError, match="rag remove"):
        library(tmp_path / "index").sync(tmp_path / "files")
    with pytest.raises(CorpusError, match="no file or folder"):
        library(tmp_path / "index").add([tmp_path / "nowhere"])
    write(tmp_path / "files", {"b": [1]})
    with pytest.raises(IndexMismatchError, match="embedding digest"):
        library(tmp_path / "index", HashEmbedder(dimension=32)).add([tmp_path / "files"])


def test_an_index_of_version_2_is_upgraded_without_embedding(tmp_path: Path) -> None:
    archive = Path(__file__).parent.parent / "data" / "index-7f0f598.tar.gz"
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    index = tmp_path / "index"
    before = Manifest.read(index)
    with closing(open_store(index)) as store:
        papers, drops = store.catalog.papers(), store.catalog.drops()
    (tmp_path / "new.txt").write_text("Ptarmigans moult later in years with much snow, which we followed.")
    embedder = HashEmbedder()
    library(index, embedder).add([tmp_path / "new.txt"])
    assert len(embedder.embedded) == 1
    with closing(open_store(index)) as store:
        assert store.manifest.schema_version == SCHEMA_VERSION
        assert (store.manifest.records, store.manifest.works) == (before.records + 1, before.works + 1)
        assert set(papers) < set(store.catalog.papers())
        assert [d["kept_id"] for d in store.catalog.drops()] == [d["kept_id"] for d in drops]
