"""The index on disk: a real Chroma, the lexical index, the manifest and its guards."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path

import chromadb
import numpy as np
import pytest
from filelock import FileLock

from rag.embedding.alignment import Alignment, normalise_rows
from rag.errors import IndexBusyError, IndexMismatchError, IndexMissingError, LibraryIndexError, SettingsError
from rag.schema import Chunk, Drop, Filters, Language, Paper, Problem, Source
from rag.store.catalog import Catalog
from rag.store.catalog_writer import Passages, write_catalog
from rag.store.index import open_store
from rag.store.manifest import SCHEMA_VERSION, Manifest
from rag.store.records import FoldedRecord, Inputs
from rag.store.vectors import open_vectors, server_address
from rag.store.writing import Contents, new_generation, write_store, writing

TEXTS: list[tuple[str, Language]] = [
    ("Spiking networks on CIFAR10-DVS reach 74 percent.", "en"),
    ("Quantization lowers latency by 1.4 times.", "en"),
    ("我们提出混合精度量化框架,降低延迟。", "zh"),
]


def paper(number: int, text: str, language: Language) -> Paper:
    return Paper(
        f"p{number}", text, language, (Source("a.txt", number),), title=None, authors=("A. B.",), year=2020
    )


def contents() -> Contents:
    papers = {f"p{n}": paper(n, text, language) for n, (text, language) in enumerate(TEXTS)}
    chunks = [
        Chunk(f"{p.paper_id}-0", p.paper_id, p.text, 0, len(p.text), p.language) for p in papers.values()
    ]
    vectors = normalise_rows(np.eye(3, 8, dtype=np.float32) + 0.1)
    drops = [Drop(replace(papers["p0"], paper_id="p9"), "p0", "near", 0.97)]
    keys = [f"k{n}" for n in range(3)]
    records = [FoldedRecord(p, p.paper_id) for p in papers.values()]
    records += [FoldedRecord(drop.paper, drop.kept_id, drop.reason, drop.score) for drop in drops]
    inputs = Inputs(tuple(records), problems=(Problem("b.txt", 3, "empty"),))
    return Contents(papers, Passages(chunks, keys, vectors), vectors, Alignment(), inputs)


def manifest(generation: str | None = None) -> Manifest:
    return Manifest(
        SCHEMA_VERSION, generation or new_generation(), "e5", "digest", 400, "a", ("/in put",), 4, 3, 3, 3, {"en": 2, "zh": 1}
    )  # fmt: skip


@pytest.fixture
def index(tmp_path: Path) -> Path:
    directory = tmp_path / "index"
    with writing(directory):
        write_store(directory, manifest(), contents())
    return directory


def test_dense_search_gives_cosines_by_language(index: Path) -> None:
    store, vectors = open_store(index), contents().passages.vectors
    found = store.dense(vectors[2:], 3)
    assert found[0][0] == "p2-0"
    assert np.allclose([score for _, score in found], sorted(vectors @ vectors[2], reverse=True), atol=1e-5)
    assert [chunk for chunk, _ in store.dense(vectors[2:], 3, "en")] in (["p0-0", "p1-0"], ["p1-0", "p0-0"])
    store.close()


def test_lexical_search_finds_identifiers_stems_and_chinese_words(index: Path) -> None:
    store = open_store(index)
    assert store.lexical("cifar10-dvs", 5)[0][0] == "p0-0"
    assert store.lexical("network quantized", 5)[0][0] in {"p0-0", "p1-0"}
    assert [chunk for chunk, _ in store.lexical("量化延迟", 5)] == ["p2-0"]
    assert store.lexical("量化", 5, "en") == []
    assert store.lexical('" OR * NEAR( ) -', 5) == []
    assert store.lexical("的", 5) == []
    assert all(score > 0 for _, score in store.lexical("latency", 5))
    store.close()


def test_a_question_of_many_words_is_no_error(index: Path) -> None:
    store = open_store(index)
    assert store.lexical(" ".join(f"word{n}" for n in range(1000)) + " latency", 5) == []
    assert store.lexical("latency " + " ".join(f"word{n}" for n in range(1000)), 5)[0][0] == "p1-0"
    store.close()


def test_papers_drops_and_problems_read_back_as_written(index: Path) -> None:
    store, written = open_store(index), contents()
    assert store.catalog.papers() == list(written.papers.values())
    assert store.catalog.drops() == [
        drop.to_dict() for record in written.inputs.records if (drop := record.drop)
    ]
    assert store.catalog.problems() == list(written.inputs.problems)
    found = store.chunks(["p1-0", "nothing"])
    assert found == {"p1-0": (written.papers["p1"], written.passages.chunks[1])}
    assert np.allclose(store.catalog.vectors(["k2", "k7"])["k2"], written.passages.vectors[2])
    store.close()


def test_lexical_scores_do_not_depend_on_the_order_of_writing(tmp_path: Path) -> None:
    written = contents()
    scores = []
    for name, order in (("a", [0, 1, 2]), ("b", [2, 0, 1])):
        chunks, keys, vectors = written.passages.chunks, written.passages.keys, written.passages.vectors
        passages = Passages([chunks[i] for i in order], [keys[i] for i in order], vectors[order])
        write_catalog(tmp_path / name, written.papers, passages, Inputs())
        catalog = Catalog(tmp_path / name)
        scores.append(dict(catalog.search("latency of spiking networks 量化", 5)))
        catalog.close()
    assert scores[0] == pytest.approx(scores[1])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), {"p0-0", "p1-0", "p2-0"}),
        (Filters(language="zh"), {"p2-0"}),
        (Filters(year_from=2020, year_to=2020), {"p0-0", "p1-0", "p2-0"}),
        (Filters(year_from=2021), set()),
        (Filters(year_to=2019), set()),
        (Filters(sources=("a.txt",)), {"p0-0", "p1-0", "p2-0"}),
        (Filters(sources=("b.txt",)), set()),
        (Filters(sources=("b.txt", "a.txt"), year_to=2020, language="en"), {"p0-0", "p1-0"}),
    ],
)
def test_both_arms_keep_to_the_filters(index: Path, filters: Filters, expected: set[str]) -> None:
    store = open_store(index)
    dense = store.dense(contents().passages.vectors[2:], 3, filters=filters)
    words = " ".join(text for text, _ in TEXTS)
    lexical = store.lexical(words, 3, filters=filters)
    assert {chunk for chunk, _ in dense} == {chunk for chunk, _ in lexical} == expected
    store.close()


def test_a_paper_of_several_files_is_found_in_each_and_in_their_folders(tmp_path: Path) -> None:
    several = contents()
    sources = Source("x/y/a.txt", 1), Source("x/b.txt", 2), Source("c.txt", 3)
    papers = {**several.papers, "p2": replace(several.papers["p2"], sources=sources, year=None)}
    with writing(tmp_path):
        write_store(tmp_path, manifest(), replace(several, papers=papers))
    store = open_store(tmp_path)
    for name, found in {"x": 1, "x/": 1, "x/y": 1, "x/b.txt": 1, "c.txt": 1, "b.txt": 0, "y": 0}.items():
        filters = Filters(sources=(name,))
        assert len(store.dense(several.passages.vectors[2:], 3, filters=filters)) == found, name
        assert len(store.lexical(TEXTS[2][0], 3, filters=filters)) == found, name
    assert not store.lexical(TEXTS[2][0], 3, "zh", Filters(year_from=1))
    assert not store.dense(several.passages.vectors[2:], 3, "zh", Filters(year_from=1))
    store.close()


def test_an_interrupted_build_leaves_the_old_index_and_no_rest(index: Path) -> None:
    before = sorted(p.name for p in index.iterdir())
    broken = replace(contents(), passages=replace(contents().passages, keys=["only one"]))
    with writing(index), pytest.raises(ValueError, match="zip"):
        write_store(index, manifest(), broken)
    assert sorted(p.name for p in index.iterdir()) == before
    open_store(index).close()


def test_two_chunks_of_one_id_are_an_error_not_a_silent_loss(index: Path) -> None:
    written = contents()
    vectors = open_vectors(index / "other", "twice", url=None, create={})
    vectors.add(written.passages.chunks[:1], written.aligned[:1], written.papers)
    with pytest.raises(LibraryIndexError, match="share an id"):
        vectors.add(written.passages.chunks[:2], written.aligned[:2], written.papers)
    vectors.close()


def _hold(
    path: Path, ready: multiprocessing.synchronize.Event, done: multiprocessing.synchronize.Event
) -> None:
    with FileLock(path / ".lock"):
        ready.set()
        done.wait(30)


def test_an_index_written_by_another_process_is_busy_but_can_be_read(index: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(index, ready, done))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(IndexBusyError, match=str(index)), writing(index):
            pass
        open_store(index).close()
    finally:
        done.set()
        other.join()
    with writing(index):
        pass


def test_a_missing_or_foreign_manifest_names_the_command(index: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="rag index PATH --index"):
        open_store(tmp_path / "nowhere")
    path = index / "manifest.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for changed in ("no json", json.dumps(record | {"schema_version": 0}), "[]", "{}"):
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(IndexMismatchError, match="rag index"):
            open_store(index)


def test_a_mismatch_prints_the_command_that_rebuilds(index: Path) -> None:
    with pytest.raises(IndexMismatchError, match=f"rag index '/in put' --index {index}"):
        Manifest.read(index).check(index, {"embedding_model": "other"})


@pytest.mark.parametrize("lost", ["catalog.sqlite", "alignment.npz"])
def test_a_damaged_index_is_one_sentence(index: Path, lost: str) -> None:
    [file] = index.glob(f"*/{lost}")
    file.write_bytes(b"garbage")
    with pytest.raises(LibraryIndexError, match="damaged"):
        open_store(index)


def _build_in_little_room(
    directory: Path, room: int, answer: multiprocessing.queues.SimpleQueue[str]
) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        with writing(directory):
            write_store(directory, manifest(), contents())
    except LibraryIndexError as error:
        answer.put(str(error))
    else:
        answer.put("")


@pytest.mark.parametrize("room", [10_000, 20_000, 150_000])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_index(index: Path, room: int) -> None:
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    other = context.Process(target=_build_in_little_room, args=(index, room, answer))
    other.start()
    said = answer.get()
    other.join()
    assert "free some space" in said
    store = open_store(index)
    assert store.lexical("latency", 5)
    store.close()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_chroma_server_serves_as_well_and_keeps_no_old_collections(
    tmp_path: Path, chroma_server: str
) -> None:
    directory = tmp_path / "index"
    for _ in range(3):
        with writing(directory):
            write_store(directory, replace(manifest(), chroma_url=chroma_server), contents())
    broken = replace(contents(), passages=replace(contents().passages, keys=["only one"]))
    with writing(directory), pytest.raises(ValueError, match="zip"):
        write_store(directory, replace(manifest(), chroma_url=chroma_server), broken)
    store, vectors = open_store(directory), contents().passages.vectors
    assert store.dense(vectors[2:], 3)[0][0] == "p2-0"
    store.close()
    host, port, _ = server_address(chroma_server)
    client = chromadb.HttpClient(host=host, port=port)
    assert client.count_collections() == 2  # one a language


def test_a_chroma_server_that_is_down_is_one_sentence(tmp_path: Path, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    with writing(tmp_path / "index"), pytest.raises(LibraryIndexError, match=url):
        write_store(tmp_path / "index", replace(manifest(), chroma_url=url), contents())


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://h:port"])
def test_a_server_address_of_another_form_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="RAG_CHROMA_URL"):
        server_address(url)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(LibraryIndexError, match="--index"), writing(tmp_path / "file" / "index"):
        pass


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_chroma_server_on_loopback_needs_no_proxy(
    tmp_path: Path, chroma_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "[::2],fd00::/8")
    with writing(tmp_path / "index"):
        write_store(tmp_path / "index", replace(manifest(), chroma_url=chroma_server), contents())
    assert os.environ["ALL_PROXY"] == "socks5://127.0.0.1:9"


def test_a_chroma_server_behind_an_unusable_proxy_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:9")
    with writing(tmp_path / "index"), pytest.raises(LibraryIndexError, match="proxy"):
        write_store(tmp_path / "index", replace(manifest(), chroma_url="http://chroma.invalid"), contents())
