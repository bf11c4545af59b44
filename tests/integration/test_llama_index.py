"""An index as LlamaIndex users meet it: as a retriever and as a query engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from llama_index.core.base.response.schema import Response
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, TextNode

from rag.answering.generation.prompts import REFUSALS
from rag.errors import QuestionError
from rag.pipeline import RAG
from rag.schema import Filters

OpenRag = Callable[..., RAG]
QUESTION = "What FID does Muse reach on CC3M?"
PAPER = (
    '{"id": "a", "title": "On bees", "abstract": "We count honey bees at 12 hives near a road, and they are few.", '
    '"authors": ["A. Bee", "C. Dee"], "year": 2021, "doi": "10.1/x"}\n'
)


def test_the_retriever_finds_what_search_finds(open_rag: OpenRag) -> None:
    rag = open_rag(top_k=2)
    found, searched = rag.as_retriever().retrieve(QUESTION), rag.search(QUESTION, 2)
    assert [each.node.node_id for each in found] == [each.paper.paper_id for each in searched]
    assert [each.score for each in found] == [each.score for each in searched]
    assert found[0].node.get_content(MetadataMode.NONE) == searched[0].paper.text
    assert found[0].node.metadata["sources"] == "a.txt #1, b.txt #2"
    assert len(rag.as_retriever(similarity_top_k=3).retrieve(QUESTION)) == 3
    again = asyncio.run(rag.as_retriever().aretrieve(QUESTION))
    assert [each.node.node_id for each in again] == [each.node.node_id for each in found]


def test_a_node_says_what_is_known_and_a_model_reads_who_wrote_it_and_when(
    small_corpus: Path, open_rag: OpenRag
) -> None:
    (small_corpus / "c.jsonl").write_text(PAPER, encoding="utf-8")
    (found,) = open_rag().as_retriever(1, Filters(sources=("c.jsonl",))).retrieve("honey bees")
    assert isinstance(found.node, TextNode)
    assert found.node.metadata == {
        "title": "On bees",
        "authors": "A. Bee; C. Dee",
        "year": 2021,
        "language": "en",
        "doi": "10.1/x",
        "sources": "c.jsonl #1",
    }
    read = found.node.get_content(MetadataMode.LLM)
    assert all(part in read for part in ("On bees", "C. Dee", "2021", "12 hives"))
    assert "c.jsonl" not in read


def test_the_engine_answers_with_citations_whose_abstracts_are_the_sources(open_rag: OpenRag) -> None:
    engine = open_rag("It reaches 6.06 [1].").as_query_engine()
    response = engine.query(QUESTION)
    assert isinstance(response, Response)
    assert str(response) == "It reaches 6.06 [1]."
    (source,) = response.source_nodes
    assert source.node.metadata["citation"] == 1
    assert source.node.metadata["quote"] in source.node.get_content(MetadataMode.NONE)
    assert "FID of 6.06" in source.node.metadata["quote"]
    assert response.metadata is not None
    assert response.metadata["refused"] is False
    assert str(asyncio.run(engine.aquery(QUESTION))) == str(response)


def test_a_refusal_has_no_sources(open_rag: OpenRag) -> None:
    response = open_rag("NOT FOUND").as_query_engine().query(QUESTION)
    assert str(response) == REFUSALS["en"]
    assert response.source_nodes == []
    assert response.metadata is not None
    assert response.metadata["refused"] is True


def test_what_the_collection_holds_is_listed_with_its_sources(open_rag: OpenRag) -> None:
    response = open_rag().as_query_engine(Filters(language="zh")).query("List all the papers.")
    assert [source.node.metadata["language"] for source in response.source_nodes] == ["zh"]
    assert [source.node.metadata["citation"] for source in response.source_nodes] == [1]


def test_the_retriever_serves_an_engine_of_llama_index(open_rag: OpenRag) -> None:
    engine = RetrieverQueryEngine.from_args(open_rag().as_retriever(), llm=MockLLM())
    response = engine.query(QUESTION)
    assert "Muse" in response.source_nodes[0].node.get_content()
    assert "It reaches an FID of 6.06" in str(response), "the mock model repeats what it reads"


def test_errors_are_those_of_the_library(open_rag: OpenRag) -> None:
    rag = open_rag()
    for use in (rag.as_retriever().retrieve, rag.as_query_engine().query):
        with pytest.raises(QuestionError):
            use("  ")
    with pytest.raises(QuestionError, match="from 1 to"):
        rag.as_retriever(0).retrieve(QUESTION)
