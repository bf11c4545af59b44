"""The judge for LlamaIndex: a node postprocessor that reranks, and an evaluator of faithfulness.

engine = index.as_query_engine(node_postprocessors=[JudgeRerank(judge=Judge.default(), top_n=3)])
JudgeFaithfulness(Judge.default()).evaluate_response(response=engine.query("..."))
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts.mixin import PromptDictType
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from rag.judge.judge import Judge
from rag.text.sentences import sentence_texts


class JudgeRerank(BaseNodePostprocessor):
    """Keeps the `top_n` nodes that most probably answer the question; their score is that probability.

    Nodes below `least` are left out, so that nothing may be left. Without a question the nodes stay as they
    are.
    """

    judge: Judge
    top_n: int = 3
    least: float = 0.0

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex stores."""
        return "JudgeRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            return nodes
        texts = [found.node.get_content(metadata_mode=MetadataMode.NONE) for found in nodes]
        scores = self.judge.each_answers(texts, query_bundle.query_str)
        judged = [NodeWithScore(node=n.node, score=s) for n, s in zip(nodes, scores, strict=True)]
        judged.sort(key=lambda found: -(found.score or 0.0))
        return [found for found in judged if (found.score or 0.0) >= self.least][: self.top_n]


class JudgeFaithfulness(BaseEvaluator):
    """Tells whether each sentence of a response is supported by one of its contexts.

    `score` is the share of sentences that are; the response passes if all of them are. `feedback` quotes the
    others.
    """

    def __init__(self, judge: Judge, supported: float = 0.5) -> None:
        """`supported` is the least probability of a supported sentence."""
        self._judge = judge
        self._supported = supported

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        """There are none."""

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """Evaluate `response` against `contexts`; the question is not looked at.

        Raises:
            ValueError: there is no response or no context.
        """
        if response is None or contexts is None:
            raise ValueError("JudgeFaithfulness needs a response and its contexts.")
        sentences = sentence_texts(response)
        doubted = await asyncio.to_thread(self._doubted, sentences, list(contexts))
        share = 1 - len(doubted) / len(sentences) if sentences else 0.0
        return EvaluationResult(
            query=query,
            response=response,
            contexts=contexts,
            passing=bool(sentences) and not doubted,
            score=share,
            feedback="Not supported: " + " ".join(doubted) if doubted else "",
        )

    def _doubted(self, sentences: Sequence[str], contexts: Sequence[str]) -> list[str]:
        """Return the sentences that no context supports."""
        return [
            sentence
            for sentence in sentences
            if all(self._judge.support(text, sentence).supported < self._supported for text in contexts)
        ]
