"""The alignment as LlamaIndex users meet it: around any embedding model, in any of its vector stores."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion.pipeline import get_transformation_hash
from llama_index.core.schema import TextNode
from pydantic import Field

from rag import AlignedEmbedding, Alignment
from rag.embedding.base import Vectors
from rag.factory import configured_embedder
from rag.settings import load_settings
from rag.text.language import detect_language
from tests.conftest import HashEmbedder

TEXTS = [
    "Muse is a text-to-image Transformer that reaches an FID of 6.06.",
    "本文提出SnowNet用于雪深预测。",
    "We count honey bees at twelve hives near a road.",
    "我们研究了地震波在多孔介质中的传播。",
    "BERT 准确率",
]
QUERY = "Which model predicts snow?"


class FakeEmbedding(BaseEmbedding):
    """Vectors of the hash embedder, questions other than passages; remembers how many texts came at once."""

    batches: list[int] = Field(default_factory=list)
    asked: list[str] = Field(default_factory=list)

    def vectors(self, texts: list[str]) -> Vectors:
        return HashEmbedder(dimension=16).embed_passages(texts)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        self.batches.append(len(texts))
        rows: list[list[float]] = self.vectors(texts).tolist()
        return rows

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._get_text_embeddings(texts)

    def _get_query_embedding(self, query: str) -> list[float]:
        self.asked.append(query)
        row: list[float] = (-self.vectors([query])[0]).tolist()
        return row

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


@pytest.fixture(scope="module")
def alignment() -> Alignment:
    rng = np.random.default_rng(0)
    return Alignment(
        {
            (language, kind): rng.standard_normal(16).astype(np.float32) + shift
            for shift, language in ((-0.2, "en"), (0.3, "zh"))
            for kind in ("query", "passage")
        }
    )


def expected(alignment: Alignment, texts: list[str]) -> Vectors:
    raw = FakeEmbedding().vectors(texts)
    return np.concatenate(
        [alignment.apply(raw[i : i + 1], detect_language(t), "passage") for i, t in enumerate(texts)]
    )


def test_each_text_is_aligned_by_its_own_language_and_order_is_kept(alignment: Alignment) -> None:
    inner = FakeEmbedding(embed_batch_size=3)
    wrapped = AlignedEmbedding(inner, alignment)
    rows = wrapped.get_text_embedding_batch(TEXTS)
    np.testing.assert_allclose(rows, expected(alignment, TEXTS), atol=1e-6)
    assert inner.batches == [3, 2]
    np.testing.assert_allclose(
        [wrapped.get_text_embedding(text) for text in TEXTS], expected(alignment, TEXTS), atol=1e-6
    )
    assert {detect_language(text) for text in TEXTS} == {"en", "zh"}


@given(st.permutations(TEXTS), st.integers(1, 7))
def test_a_vector_does_not_depend_on_its_batch_mates(texts: list[str], size: int) -> None:
    alignment = Alignment({("zh", "passage"): np.full(16, 0.1, np.float32)})
    wrapped = AlignedEmbedding(FakeEmbedding(), alignment, embed_batch_size=size)
    np.testing.assert_allclose(wrapped.get_text_embedding_batch(texts), expected(alignment, texts), atol=1e-6)


def test_async_gives_the_same_and_keeps_batches(alignment: Alignment) -> None:
    inner = FakeEmbedding(embed_batch_size=4)
    wrapped = AlignedEmbedding(inner, alignment)

    async def all_three() -> tuple[list[list[float]], list[float], list[float]]:
        return (
            await wrapped.aget_text_embedding_batch(TEXTS),
            await wrapped.aget_text_embedding(TEXTS[1]),
            await wrapped.aget_query_embedding(QUERY),
        )

    batch, single, query = asyncio.run(all_three())
    assert inner.batches[:2] == [4, 1]
    assert batch == wrapped.get_text_embedding_batch(TEXTS)
    np.testing.assert_allclose(single, batch[1], atol=1e-6)
    assert query == wrapped.get_query_embedding(QUERY)


def test_a_query_is_aligned_as_a_query_and_folded_to_simplified(alignment: Alignment) -> None:
    inner = FakeEmbedding()
    wrapped = AlignedEmbedding(inner, alignment)
    raw = -inner.vectors(["这个模型预测雪吗?"])
    row = wrapped.get_query_embedding("這個模型預測雪嗎?")
    assert inner.asked == ["这个模型预测雪吗?"]
    np.testing.assert_allclose(row, alignment.apply(raw, "zh", "query")[0], atol=1e-6)
    english = alignment.apply(-inner.vectors([QUERY]), "en", "query")[0]
    np.testing.assert_allclose(wrapped.get_query_embedding(QUERY), english, atol=1e-6)


def test_nothing_in_nothing_out(alignment: Alignment) -> None:
    wrapped = AlignedEmbedding(FakeEmbedding(), alignment)
    assert wrapped.get_text_embedding_batch([]) == []
    assert wrapped._get_text_embeddings([]) == []


def test_each_language_is_centred_on_the_texts() -> None:
    wrapped = AlignedEmbedding(FakeEmbedding()).centred_on(TEXTS)
    raw = FakeEmbedding().vectors(TEXTS)
    english = raw[[i for i, text in enumerate(TEXTS) if detect_language(text) == "en"]]
    np.testing.assert_allclose(wrapped.alignment.means["en", "passage"], english.mean(axis=0), atol=1e-6)
    assert set(wrapped.alignment.means) == {
        (la, kind) for la in ("en", "zh") for kind in ("query", "passage")
    }
    assert not AlignedEmbedding(FakeEmbedding()).alignment.means
    assert not AlignedEmbedding(FakeEmbedding()).centred_on(TEXTS[:1]).alignment.means  # one language


def test_a_cache_of_transformations_tells_alignments_apart(alignment: Alignment) -> None:
    nodes = [TextNode(text=text) for text in TEXTS]
    hashes = {
        get_transformation_hash(nodes, AlignedEmbedding(FakeEmbedding(model_name=name), how))
        for name in ("a", "b")
        for how in (alignment, None)
    }
    assert len(hashes) == 4


@pytest.fixture(scope="module")
def default() -> AlignedEmbedding:
    return AlignedEmbedding.default()


@pytest.mark.models
def test_a_vector_store_index_finds_across_languages(default: AlignedEmbedding) -> None:
    subjects = {
        "snow": ("We predict snow depth on a high plateau with a neural network.", "如何预测高原上的雪深?"),
        "bees": ("Traffic noise makes honey bees forage less.", "交通噪声对蜜蜂觅食有什么影响?"),
        "waves": ("我们研究了地震波在多孔介质中的传播与衰减。", "How do seismic waves travel in porous media?"),
        "drug": ("本文评估一种新抗疟药物在儿童中的安全性。", "Is the new malaria drug safe for children?"),
        "muse": ("Muse is a text-to-image Transformer with 900M parameters.", "哪个模型用Transformer从文本生成图像?"),
        "soil": ("本文测量了农田土壤中的氮流失。", "How much nitrogen is lost from farm soil?"),
    }  # fmt: skip
    nodes = [TextNode(id_=name, text=text) for name, (text, _) in subjects.items()]

    def retriever_of(model: BaseEmbedding) -> BaseRetriever:
        return VectorStoreIndex(nodes, embed_model=model).as_retriever(similarity_top_k=1)

    def found(model: BaseEmbedding) -> dict[str, str]:
        retriever = retriever_of(model)
        return {name: retriever.retrieve(query)[0].node.node_id for name, (_, query) in subjects.items()}

    assert found(default) == {name: name for name in subjects}
    small = AlignedEmbedding.of(configured_embedder(load_settings(embedding_model="multilingual-e5-small")))
    assert found(small) == {name: name for name in subjects}
    assert found(AlignedEmbedding(small.embedding)) != {name: name for name in subjects}, "without the means"
    [first] = asyncio.run(retriever_of(default).aretrieve(subjects["snow"][1]))
    assert first.node.node_id == "snow"


@pytest.mark.models
def test_the_default_is_what_an_index_starts_from(default: AlignedEmbedding) -> None:
    assert len(default.alignment.means) == 4
    embedder = configured_embedder(load_settings())
    np.testing.assert_allclose(
        default.get_text_embedding(TEXTS[1]),
        default.alignment.apply(embedder.embed_passages(TEXTS[1:2]), "zh", "passage")[0],
        atol=1e-6,
    )
    assert default.alignment.digest == AlignedEmbedding.of(embedder).alignment.digest


def test_an_alignment_written_to_a_file_can_be_given(alignment: Alignment, tmp_path: Path) -> None:
    alignment.save(tmp_path / "mine.npz")
    wrapped = AlignedEmbedding(FakeEmbedding(), Alignment.load(tmp_path / "mine.npz"))
    assert wrapped.get_query_embedding(QUERY) == AlignedEmbedding(
        FakeEmbedding(), alignment
    ).get_query_embedding(QUERY)
