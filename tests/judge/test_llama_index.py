"""The judge as a postprocessor and as an evaluator of LlamaIndex, around a model that looks for words."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from rag.judge.judge import Judge
from rag.judge.llama_index import JudgeFaithfulness, JudgeRerank
from rag.judge.pair_tokens import PairTokens
from tests.judge.test_judge import Reader


@pytest.fixture(autouse=True)
def no_event_loop() -> None:
    """Have LlamaIndex close the event loop that it makes; one that it finds, or gets by default, stays open."""
    asyncio.set_event_loop(None)


def nodes(*texts: str) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text), score=0.5) for text in texts]


def texts(found: list[NodeWithScore]) -> list[str]:
    return [each.node.get_content() for each in found]


def test_nodes_that_answer_come_first(tokens: PairTokens) -> None:
    rerank = JudgeRerank(judge=Judge(tokens, Reader()), top_n=2)
    found = rerank.postprocess_nodes(nodes("w1.", "w2.", "yes."), query_str="w3")
    assert texts(found) == ["yes.", "w1."]
    assert found[0].score is not None
    assert found[0].score > 0.99
    sure = JudgeRerank(judge=Judge(tokens, Reader()), least=0.5)
    assert texts(sure.postprocess_nodes(nodes("w1.", "yes."), query_bundle=QueryBundle("w3"))) == ["yes."]
    assert texts(sure.postprocess_nodes(nodes("w1."), query_str="w3")) == []


def test_without_a_question_nodes_stay(tokens: PairTokens) -> None:
    found = JudgeRerank(judge=Judge(tokens, Reader()), top_n=1).postprocess_nodes(nodes("w1.", "yes."))
    assert texts(found) == ["w1.", "yes."]


def test_a_response_passes_if_one_context_supports_each_sentence(tokens: PairTokens) -> None:
    evaluator = JudgeFaithfulness(Judge(tokens, Reader()))
    good = evaluator.evaluate(response="W1 w2. W3 w4.", contexts=["no.", "yes."])
    assert (good.passing, good.score, good.feedback) == (True, 1.0, "")
    bad = evaluator.evaluate(response="W1 w2. W3 w4.", contexts=["no.", "w9."])
    assert (bad.passing, bad.score) == (False, 0.0)
    assert bad.feedback == "Not supported: W1 w2. W3 w4."
    assert not evaluator.evaluate(response="", contexts=["yes."]).passing
    with pytest.raises(ValueError, match="needs a response and its contexts"):
        evaluator.evaluate(response="W1.")
