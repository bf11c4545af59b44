"""Retrieval measured arm by arm: the cached index, folded relevance, what each arm is, and the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import rag
from rag.embedding.base import Vectors
from rag.errors import CorpusError
from rag.evaluation.cache import DatasetIndex, dataset_index
from rag.evaluation.datasets.loading import load_dataset
from rag.evaluation.datasets.records import Dataset, Document, Query
from rag.evaluation.plots import plot_retrieval
from rag.evaluation.qrels import resolve_qrels
from rag.evaluation.report import retrieval_tables
from rag.evaluation.retrieval import RetrievalReport, evaluate_retrieval
from rag.evaluation.retrievers import RETRIEVERS, Asked, Library, fused_as_shown
from rag.models import defaults as models
from rag.settings import SMALL_EMBEDDING_MODEL
from rag.store.index import open_index, open_store
from tests.conftest import HashEmbedder
from tests.evaluation.test_datasets import write
from tests.integration.test_cli import assert_one_sentence, run

ENGLISH = [
    "Muse is a text-to-image Transformer. It reaches an FID of 6.06 on CC3M with 900M parameters.",
    "We count honey bees at 12 hives in summer. Traffic noise lowers their foraging by 30 percent.",
    "Graph networks predict the toxicity of molecules. They need 40 percent fewer labels than before.",
]
CHINESE = [
    "本文提出SnowNet用于雪深预测。它在高原数据上的误差为2.5厘米。",
    "我们研究稻田甲烷排放的季节变化。结果表明灌溉方式是主要因素。",
    "针对道路检测问题，提出了一种基于粒子滤波的算法。实验证明了其有效性。",
]
TEXTS = [text for pair in zip(ENGLISH, CHINESE, strict=True) for text in pair]


@pytest.fixture
def dataset() -> Dataset:
    """Six abstracts, one of them twice, and a question in its own words for each."""
    documents = [Document(f"d{i}", text) for i, text in enumerate(TEXTS)]
    documents.append(Document("twin", TEXTS[0]))
    queries = [
        Query(f"q{i}", text[: len(text) // 2], "zh" if text in CHINESE else "en", {f"d{i}": 1.0})
        for i, text in enumerate(TEXTS)
    ]
    queries.append(Query("folded", "Which Transformer makes images?", "en", {"twin": 1.0, "d0": 2.0}))
    return Dataset("small", "beir", tuple(documents), tuple(queries))


def report(
    dataset: Dataset, embedder: HashEmbedder, cache: Path, limit: int | None = None
) -> RetrievalReport:
    index = dataset_index(dataset, embedder, cache)
    with closing(open_index(index.directory, embedder.name)) as store:
        return evaluate_retrieval(dataset, store, embedder, index, limit=limit)


def test_the_second_run_embeds_nothing(dataset: Dataset, embedder: HashEmbedder, tmp_path: Path) -> None:
    first = dataset_index(dataset, embedder, tmp_path)
    assert first.seconds is not None
    assert first.embedded == len(embedder.embedded) == len(TEXTS)
    again = dataset_index(dataset, embedder, tmp_path)
    assert again == DatasetIndex(first.directory, None, 0)
    assert len(embedder.embedded) == len(TEXTS)


def test_other_code_builds_again_from_the_vectors_that_are_there(
    dataset: Dataset, embedder: HashEmbedder, tmp_path: Path
) -> None:
    first = dataset_index(dataset, embedder, tmp_path)
    generation = open_store(first.directory).manifest.generation
    (first.directory / "built-by").write_text("older code", encoding="ascii")
    again = dataset_index(dataset, embedder, tmp_path)
    assert again.directory == first.directory
    assert again.seconds is not None
    assert again.embedded == 0
    assert open_store(again.directory).manifest.generation != generation
    assert len(embedder.embedded) == len(TEXTS)


def test_a_data_set_without_a_word_is_refused(embedder: HashEmbedder, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds a word"):
        dataset_index(Dataset("empty", "beir", (Document("d", "..."),), ()), embedder, tmp_path)


def test_another_embedder_or_document_has_an_index_of_its_own(
    dataset: Dataset, embedder: HashEmbedder, tmp_path: Path
) -> None:
    more = Dataset("more", "beir", (*dataset.documents, Document("new", "A new abstract.")), dataset.queries)
    places = {
        dataset_index(data, model, tmp_path).directory
        for data, model in ((dataset, embedder), (more, embedder), (dataset, HashEmbedder("other")))
    }
    assert len(places) == 3


class Stopped(HashEmbedder):
    """Is interrupted after the first batch, once."""

    left = 1

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not self.left:
            self.left = 99
            raise KeyboardInterrupt
        self.left -= 1
        return super().embed_passages(texts)


def test_a_stopped_build_goes_on_where_it_was(tmp_path: Path) -> None:
    documents = tuple(
        Document(f"d{i}", f"Abstract {i} tells of {i * 7} wholly other things.") for i in range(100)
    )
    many, embedder = Dataset("many", "beir", documents, ()), Stopped()
    with pytest.raises(KeyboardInterrupt):
        dataset_index(many, embedder, tmp_path)
    done = len(embedder.embedded)
    assert 0 < done < 100
    index = dataset_index(many, embedder, tmp_path)
    with closing(open_store(index.directory)) as store:
        assert index.embedded == store.manifest.chunks - done


def test_relevance_follows_a_duplicate_to_the_paper_it_was_folded_into(
    dataset: Dataset, embedder: HashEmbedder, tmp_path: Path
) -> None:
    index = dataset_index(dataset, embedder, tmp_path)
    with closing(open_store(index.directory)) as store:
        judged = {question.query.query_id: question for question in resolve_qrels(dataset, store)}
        (paper,) = judged["folded"].gains
        assert judged["folded"].gains == {paper: 2.0}
        assert judged["q0"].gains == {paper: 1.0}
        assert paper in {p.paper_id for p in store.catalog.papers()}
        assert [judged[f"q{i}"].group for i in range(2)] == ["en->en", "zh->zh"]


def test_a_document_that_is_not_there_counts_as_not_found(embedder: HashEmbedder, tmp_path: Path) -> None:
    gone = Dataset(
        "gone", "beir", (Document("d0", TEXTS[0]), Document("d1", "...")),
        (Query("q", TEXTS[0], "en", {"d0": 1.0, "d1": 1.0, "never": 1.0}),),
    )  # fmt: skip
    figures = report(gone, embedder, tmp_path).groups[0].arms["fused"]
    assert figures["R@10"].mean == pytest.approx(1 / 3)


@pytest.fixture
def library(dataset: Dataset, embedder: HashEmbedder, tmp_path: Path):
    index = dataset_index(dataset, embedder, tmp_path)
    with closing(open_store(index.directory)) as store:
        yield Library(store, embedder)


def test_raw_vectors_are_those_of_the_chunks(library: Library, embedder: HashEmbedder) -> None:
    assert len(library.raw) == len(library.paper_of) == library.store.manifest.chunks
    papers = {paper.paper_id: paper for paper in library.store.catalog.papers()}
    for row, paper_id in zip(library.raw, library.paper_of.values(), strict=True):
        assert np.allclose(row, embedder.embed_query(papers[paper_id].text)[0])


def test_every_arm_ranks_each_paper_once(library: Library, embedder: HashEmbedder) -> None:
    asked = Asked(TEXTS[0], "en", embedder.embed_query(TEXTS[0]), embedder)
    everything = {paper.paper_id for paper in library.store.catalog.papers()}
    for arm, search in RETRIEVERS.items():
        found = search(library, asked)
        assert len(found) == len(set(found)), arm
        assert set(found) <= everything, arm
        if arm != "lexical":
            assert set(found) == everything, arm
    assert RETRIEVERS["fused"](library, asked)[:6] == fused_as_shown(library, asked)


def test_a_question_is_embedded_once_and_any_other_text_by_the_embedder(embedder: HashEmbedder) -> None:
    known = np.ones((1, 64), dtype=np.float32)
    asked = Asked("bees", "en", known, embedder)
    assert asked.embed_query("bees") is known
    assert np.array_equal(asked.embed_query("snow"), embedder.embed_query("snow"))


def test_the_arm_without_alignment_is_plain_cosine(library: Library, embedder: HashEmbedder) -> None:
    vector = embedder.embed_query(CHINESE[1])
    papers = list(library.paper_of.values())
    expected = [papers[i] for i in np.argsort(-(library.raw @ vector[0]), kind="stable")]
    assert RETRIEVERS["dense, no alignment"](library, Asked(CHINESE[1], "zh", vector, embedder)) == list(
        dict.fromkeys(expected)
    )


def test_plain_fusion_adds_reciprocal_ranks(library: Library, embedder: HashEmbedder) -> None:
    asked = Asked("honey bees", "en", embedder.embed_query("honey bees"), embedder)
    dense, lexical = RETRIEVERS["dense"](library, asked), RETRIEVERS["lexical"](library, asked)
    assert len(lexical) == 1
    scores = {paper: 1 / (61 + rank) for rank, paper in enumerate(dense)}
    scores[lexical[0]] += 1 / 61
    assert RETRIEVERS["fused, no language balance"](library, asked) == sorted(
        scores, key=lambda p: (-scores[p], p)
    )


def test_a_search_for_chunks_is_widened_until_the_papers_are_enough(library: Library) -> None:
    chunks = list(library.paper_of)
    library.paper_of |= {f"{chunks[0]}+{i}": library.paper_of[chunks[0]] for i in range(150)}
    ranked = [(c, 1.0) for c in [*(f"{chunks[0]}+{i}" for i in range(150)), *chunks[1:]]]
    sizes = []

    def search(size: int) -> list[tuple[str, float]]:
        sizes.append(size)
        return ranked[:size]

    assert len(library.deep(search)) == len(TEXTS)
    assert sizes == [100, 200]


def test_the_report_holds_every_arm_group_and_measure(
    dataset: Dataset, embedder: HashEmbedder, tmp_path: Path
) -> None:
    found = report(dataset, embedder, tmp_path)
    assert [(group.name, group.questions) for group in found.groups] == [
        ("all", 7),
        ("en->en", 4),
        ("zh->zh", 3),
    ]
    for group in found.groups:
        assert list(group.arms) == list(RETRIEVERS)
        for arm, figures in group.arms.items():
            for name, figure in figures.items():
                assert 0 <= figure.low <= figure.mean <= figure.high <= 1, (arm, name)
        for name, difference in group.fused_minus_dense.items():
            expected = group.arms["fused"][name].mean - group.arms["dense"][name].mean
            assert difference.mean == pytest.approx(expected)
    document = json.loads(json.dumps(found.to_dict()))
    assert document["config"]["retrieval"]["CANDIDATES"] > 0
    assert document["index"] | {"seconds": None} == {
        "records": 7, "works": 6, "chunks": 6, "languages": {"en": 3, "zh": 3}, "seconds": None, "embedded": 6,
    }  # fmt: skip
    assert document["speed"]["p50_ms"] <= document["speed"]["p95_ms"]
    ranks = [question["arms"]["lexical"]["measures"]["R@1"] for question in document["per_question"]]
    assert np.mean(ranks) == pytest.approx(found.groups[0].arms["lexical"]["R@1"].mean)
    assert ranks[:6] == [1.0] * 6


def test_tables_show_every_arm_and_the_four_cells_of_two_languages(
    embedder: HashEmbedder, tmp_path: Path
) -> None:
    records = [
        {
            "arxiv_id": str(i), "title": f"{TEXTS[i][:20]} {i}", "headline_zh": f"第{i}篇论文的标题",
            "abstract_en": ENGLISH[i // 2], "abstract_zh": CHINESE[i // 2],
        }
        for i in range(4)
    ]  # fmt: skip
    found = report(load_dataset(write(tmp_path / "dev.jsonl", *records)), embedder, tmp_path)
    text = retrieval_tables(found)
    assert text.count("| fused minus dense") == 5
    for line in (
        "| R@1, fused",
        "| R@10, fused",
        "| English question",
        "| all (8 questions)",
        "| zh->en (2 questions)",
    ):
        assert line in text
    assert "index built in" in text
    assert "index opened from the cache" in retrieval_tables(
        report(load_dataset(tmp_path / "dev.jsonl"), embedder, tmp_path, limit=3)
    )
    plot_retrieval(found, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_limit_asks_fewer_questions_of_the_same_index(
    dataset: Dataset, embedder: HashEmbedder, tmp_path: Path
) -> None:
    found = report(dataset, embedder, tmp_path, limit=2)
    assert (found.dataset["questions"], found.dataset["asked"], found.index["works"]) == (7, 2, 6)
    ids = [question["id"] for question in found.per_question]
    assert ids == [question["id"] for question in report(dataset, embedder, tmp_path, limit=2).per_question]


def own(tmp_path: Path, *records: dict[str, object]) -> Dataset:
    return load_dataset(write(tmp_path / "mine.jsonl", *records))


def test_your_own_questions_are_judged_by_id_or_by_a_piece_of_the_text(
    tmp_path: Path, small_corpus: Path, embedder: HashEmbedder
) -> None:
    index = tmp_path / "index"
    rag.index_paths([small_corpus], index, embedder=embedder)
    with closing(open_store(index)) as store:
        bees = next(paper for paper in store.catalog.papers() if "bees" in paper.text)
        questions = own(
            tmp_path,
            {"question": "How many hives?", "relevant": ["honey bees at\n 12 hives"]},
            {"question": "有多少蜂箱?", "relevant": [bees.paper_id]},
            {"question": "What is the capital of France?"},
        )
        judged = resolve_qrels(questions, store)
        assert [dict(question.gains) for question in judged] == [{bees.paper_id: 1.0}] * 2 + [{}]
        assert [question.group for question in judged] == ["en->en", "zh->en", "en->none"]
        found = evaluate_retrieval(questions, store, embedder, DatasetIndex(index, None, 0))
        assert found.groups[0].questions == 2
        with pytest.raises(CorpusError, match=r"line 1 of mine\.jsonl.*--index"):
            resolve_qrels(own(tmp_path, {"question": "What?", "relevant": ["no such text"]}), store)
        with pytest.raises(CorpusError, match="says what is relevant"):
            evaluate_retrieval(
                own(tmp_path, {"question": "What?"}), store, embedder, DatasetIndex(index, None, 0)
            )


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["none.jsonl"], "no data set"),
        (["benchmarks/data/corpus", "--json", "/no/such/folder/x.json"], "folder that exists"),
        (["benchmarks/data/corpus", "--plot", "x.docx"], ".png"),
    ],
)
@pytest.mark.parametrize("kind", ["retrieval", "answers"])
def test_a_mistake_in_the_command_is_one_sentence(kind: str, arguments: list[str], hint: str) -> None:
    result = run("evaluate", kind, *arguments)
    assert_one_sentence(result, 2)
    assert hint in result.stderr


def test_a_limit_below_one_is_refused() -> None:
    result = run("evaluate", "retrieval", "x", "--limit", "0")
    assert result.returncode == 2
    assert "from 1 on" in result.stderr


def own_cache(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a cache that has the models and is otherwise empty; the quicker embedder."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(models.cache_dir() / "models")
    return {"RAG_CACHE": str(cache), "RAG_EMBEDDING_MODEL": SMALL_EMBEDDING_MODEL}


@pytest.mark.models
def test_the_command_measures_a_data_set_and_writes_it(tmp_path: Path) -> None:
    records = [{"id": i, "title": text[:25], "abstract": text} for i, text in enumerate(TEXTS)]
    data = write(tmp_path / "papers.jsonl", *records)
    files = ["--json", str(tmp_path / "out.json"), "--plot", str(tmp_path / "out.png")]
    result = run("evaluate", "retrieval", str(data), *files, **own_cache(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "| fused, no language balance" in result.stdout
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert document["groups"][0]["arms"]["fused"]["R@10"]["mean"] == 1.0
    assert (tmp_path / "out.png").exists()
