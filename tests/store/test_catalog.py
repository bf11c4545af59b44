"""The lexical arm of the catalogue: what is found, under which filter, and that scores are what they should be."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import LibraryIndexError
from rag.schema import Chunk, Filters, Language, Paper, Source
from rag.store.catalog import Catalog
from rag.store.catalog_writer import Passages, write_catalog
from rag.store.records import Inputs
from rag.text.analyzer import analyze_document
from rag.text.language import detect_language

TEXTS = (
    "VGNetG-1.0MP reaches 67.7 percent Top-1 accuracy on ImageNet.",
    "Spiking networks on CIFAR10-DVS use the t5.1.1 checkpoint.",
    "我们提出HAQ框架，这个模型的参数量很少，在ImageNet上的延迟降低了1.4倍。",
    "TinyMIM的mIoU在干燥环境里更高，之后的研究表明铜的作用。",
)
SOURCES = (("a.txt",), ("web/one.jsonl", "a.txt"), ("web/two.jsonl",), ("web/deep/x.jsonl", "webs.txt"))
YEARS = (2019, None, 2021, 2023)


def papers(texts: Sequence[str] = TEXTS) -> list[Paper]:
    return [
        Paper(
            f"p{n}",
            text,
            detect_language(text),
            tuple(Source(file, n + 1) for file in SOURCES[n % 4]),
            year=YEARS[n % 4],
        )
        for n, text in enumerate(texts)
    ]


def write(path: Path, kept: Sequence[Paper]) -> Catalog:
    chunks = [Chunk(f"{p.paper_id}-0", p.paper_id, p.text, 0, len(p.text), p.language) for p in kept]
    keys = [f"k{n}" for n in range(len(chunks))]
    passages = Passages(chunks, keys, np.zeros((len(chunks), 4), dtype=np.float32))
    write_catalog(path, {p.paper_id: p for p in kept}, passages, Inputs())
    return Catalog(path)


def ids(found: Sequence[tuple[str, float]]) -> list[str]:
    return [chunk_id for chunk_id, _ in found]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return write(tmp_path_factory.mktemp("catalog") / "catalog.sqlite", papers())


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("VGNetG-1.0MP", "p0-0"),
        ("vgnetg", "p0-0"),
        ("CIFAR10-DVS", "p1-0"),
        ("top-1准确率", "p0-0"),
        ("t5.1.1是什么", "p1-0"),
        ("TinyMIM的mIoU", "p3-0"),
        ("mIoU", "p3-0"),
        ("HAQ框架把延迟降低了多少?", "p2-0"),
        ("這個模型的參數量是多少？", "p2-0"),
        ("延遲", "p2-0"),
        ("乾燥環境裏", "p3-0"),
        ("之後的研究", "p3-0"),
        ("銅", "p3-0"),
    ],
)
def test_identifiers_and_both_scripts_are_found(catalog: Catalog, query: str, first: str) -> None:
    assert ids(catalog.search(query, 5))[0] == first


def test_simplified_questions_find_traditional_text(tmp_path: Path) -> None:
    with closing(
        write(tmp_path / "c.sqlite", papers(["這個模型的參數量為乾燥環境裏的後驗", "別的文章"]))
    ) as other:
        assert ids(other.search("参数量", 5)) == ids(other.search("干燥环境里的后验", 5)) == ["p0-0"]


def test_a_mixed_run_is_found_in_the_language_asked_for(catalog: Catalog) -> None:
    assert set(ids(catalog.search("ImageNet上", 5))) == {"p0-0", "p2-0"}
    assert ids(catalog.search("ImageNet上", 5, "zh"))[0] == "p2-0"
    assert ids(catalog.search("ImageNet上", 5, "en")) == ["p0-0"]
    assert catalog.search("ImageNet", 5, "en", Filters(language="zh")) == []


@pytest.mark.parametrize("query", ["", "的了", "???", '" OR * NEAR( ) -', "quux"])
def test_a_question_without_known_terms_finds_nothing(tmp_path: Path, query: str) -> None:
    with closing(write(tmp_path / "c.sqlite", papers(TEXTS[:2]))) as english:
        assert english.search(query, 5) == []


def test_scores_are_bm25(tmp_path: Path) -> None:
    """Robertson's BM25 with k1 1.2 and b 0.75; lengths under 40 terms are stored exactly."""
    texts = ["alpha beta", "alpha alpha gamma delta", "beta gamma epsilon zeta eta", "theta"]
    with closing(write(tmp_path / "c.sqlite", papers(texts))) as other:
        found = dict(other.search("alpha zeta", 9))
    documents = [analyze_document(text) for text in texts]
    mean = np.mean([len(document) for document in documents])

    def weight(term: str, document: list[str]) -> float:
        holding = sum(term in d for d in documents)
        frequency = document.count(term)
        norm = 1.2 * (1 - 0.75 + 0.75 * len(document) / float(mean))
        return math.log(1 + (4 - holding + 0.5) / (holding + 0.5)) * frequency * 2.2 / (frequency + norm)

    expected = {f"p{n}-0": weight("alpha", d) + weight("zeta", d) for n, d in enumerate(documents)}
    assert found == pytest.approx({c: score for c, score in expected.items() if score}, rel=1e-5)


def test_one_language_does_not_weigh_the_words_of_the_other(tmp_path: Path) -> None:
    mixed, alone = papers(), [paper for paper in papers() if paper.language == "zh"]
    with (
        closing(write(tmp_path / "m.sqlite", mixed)) as both,
        closing(write(tmp_path / "a.sqlite", alone)) as own,
    ):
        assert both.search("ImageNet上的延迟", 5, "zh") == own.search("ImageNet上的延迟", 5)
        assert own.search("ImageNet", 5, "en") == []


def test_ties_are_in_the_order_of_the_corpus(tmp_path: Path) -> None:
    with closing(write(tmp_path / "c.sqlite", papers(["same words"] * 30))) as other:
        assert ids(other.search("words", 7)) == [f"p{n}-0" for n in range(7)]


def test_source_names_are_files_and_everything_below_folders(catalog: Catalog) -> None:
    assert catalog.source_names(["web"]) == ("web/deep/x.jsonl", "web/one.jsonl", "web/two.jsonl")
    assert catalog.source_names(["web/deep/", "a.txt"]) == ("a.txt", "web/deep/x.jsonl")
    assert catalog.source_names(["we", "nothing.txt", ""]) == ()


def test_no_known_source_finds_nothing_rather_than_everything(catalog: Catalog) -> None:
    assert catalog.search("ImageNet", 5, filters=Filters(sources=("nowhere",))) == []


words = st.lists(st.sampled_from(["imagenet", "spiking", "accuracy", "延迟", "模型", "铜"]), max_size=4)
filters = st.builds(
    Filters,
    language=st.sampled_from([None, "en", "zh"]),
    sources=st.lists(st.sampled_from(["a.txt", "web", "web/deep", "webs.txt", "no"]), max_size=2).map(tuple),
    year_from=st.sampled_from([None, 2018, 2021, 2024]),
    year_to=st.sampled_from([None, 2018, 2021, 2024]),
)


def passes(paper: Paper, conditions: Filters) -> bool:
    if conditions.language and paper.language != conditions.language:
        return False
    below = tuple(f"{name}/" for name in conditions.sources)
    if below and not any(s.file in conditions.sources or s.file.startswith(below) for s in paper.sources):
        return False
    if conditions.year_from is None and conditions.year_to is None:
        return True
    first, last = conditions.year_from or -math.inf, conditions.year_to or math.inf
    return paper.year is not None and first <= paper.year <= last


@settings(max_examples=200, deadline=None)
@given(words, filters, st.sampled_from([None, "en", "zh"]), st.integers(1, 5))
def test_filtering_in_the_index_is_filtering_everything_found(
    catalog: Catalog, query: list[str], conditions: Filters, language: Language | None, k: int
) -> None:
    known = {f"{p.paper_id}-0": p for p in papers()}
    everything = catalog.search(" ".join(query), 100)
    expected = [
        hit
        for hit in everything
        if passes(known[hit[0]], conditions) and (language is None or known[hit[0]].language == language)
    ]
    assert catalog.search(" ".join(query), k, language, conditions) == expected[:k]


@pytest.mark.parametrize("kind", ["meta.json", "sizes.json", "*.idx", "*.term", "*.pos"])
def test_a_damaged_lexical_index_is_one_sentence_and_keeps_the_vectors(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "c.sqlite", papers()).close()
    file = next((tmp_path / "c.lexical").rglob(kind))
    size = file.stat().st_size
    for damage in (file.unlink, lambda: file.write_bytes(b"garbage"), lambda: file.write_bytes(b"g" * size)):
        damage()
        with closing(Catalog(tmp_path / "c.sqlite")) as other:
            with pytest.raises(LibraryIndexError, match="rag doctor --fix"):
                other.search("ImageNet", 5)
            assert set(other.vectors(["k0"])) == {"k0"}
    shutil.rmtree(tmp_path / "c.lexical")
    with (
        closing(Catalog(tmp_path / "c.sqlite")) as other,
        pytest.raises(LibraryIndexError, match="rag doctor --fix"),
    ):
        other.search("ImageNet", 5)
