"""A library of abstracts for LlamaIndex: a retriever of abstracts, and a query engine that cites them.

`RAG.as_retriever` and `RAG.as_query_engine` make them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from rag.schema import Answer, Citation, Paper, ScoredChunk

# Metadata that says where an abstract lies, or what of it is cited. No model needs to read it.
_NOT_READ = ["language", "doi", "url", "sources", "citation", "quote"]


class AbstractRetriever(BaseRetriever):
    """Finds whole abstracts; a node's id is `Paper.paper_id`, its score as in `ScoredChunk`."""

    def __init__(self, search: Callable[[str], Sequence[ScoredChunk]]) -> None:
        """Retrieve what `search` finds, in its order."""
        super().__init__()
        self._search = search

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._search(query_bundle.query_str)
        return [NodeWithScore(node=_node(each.paper), score=each.score) for each in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class CitingQueryEngine(BaseQueryEngine):
    """Answers with markers such as [1]; `source_nodes` are the abstracts cited, by their numbers.

    A refusal has no source nodes. The metadata of a response is the answer as JSON (docs/json.md).
    """

    def __init__(self, ask: Callable[[str], Answer]) -> None:
        """Answer by `ask`."""
        super().__init__(callback_manager=None)
        self._ask = ask

    def _query(self, query_bundle: QueryBundle) -> Response:
        answer = self._ask(query_bundle.query_str)
        found = {context.paper.paper_id: context for context in answer.contexts}
        nodes = [
            NodeWithScore(node=_node(found[cited.paper_id].paper, cited), score=found[cited.paper_id].score)
            for cited in answer.citations
        ]
        return Response(answer.answer, nodes, answer.to_dict())

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return await asyncio.to_thread(self._query, query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


def _node(paper: Paper, cited: Citation | None = None) -> TextNode:
    """Return an abstract with what is known about it; what is cited of it, under which number."""
    known: dict[str, Any] = {
        "title": paper.title,
        "authors": "; ".join(paper.authors),
        "year": paper.year,
        "language": paper.language,
        "doi": paper.doi,
        "url": paper.url,
        "sources": ", ".join(f"{source.file} #{source.position}" for source in paper.sources),
        "citation": cited and cited.number,
        "quote": cited and cited.quote,
    }
    return TextNode(
        id_=paper.paper_id,
        text=paper.text,
        metadata={name: value for name, value in known.items() if value},
        excluded_llm_metadata_keys=_NOT_READ,
        excluded_embed_metadata_keys=_NOT_READ,
    )
