"""LlamaIndex's CitationQueryEngine with the same abstracts, models and questions as citefold.

It runs at its defaults, with two changes in its favour: the prefixes of the embedding model, and three
retrieved abstracts instead of two. Its citations are the sources that its markers name.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from rag.llm.llama_cpp.client import EmbeddedLLM
from rag.llm.llama_cpp.server import ServerOptions
from rag.models import defaults as models
from rag.schema import Paper
from rag.settings import Settings
from rag.text.language import detect_language

TOP_K = 3
# The tool has no sign for a refusal, so these are the wordings of refusals in its answers.
_REFUSED = re.compile(
    r"\b(?:not|n't|no|none|neither|unable|cannot|insufficient)\b[^.]{0,60}\b(?:provide|mention|state|specif|contain|include"
    r"|information|sources?|answer|found|available|helpful|relevant|discuss|address|give)"
    r"|(?:没有|未|并未|无法|不能|不包含)[^。]{0,20}(?:提供|提及|提到|说明|信息|回答|找到|给出|包含|确定|涉及)",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\[\s*(\d+)\s*\]")


@dataclass(frozen=True)
class EngineAnswer:
    """An answer in the fields of `rag.schema.Answer.to_dict` that scoring reads."""

    fields: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return self.fields


class CitationEngine:
    """LlamaIndex's engine with its own language model process, as a context manager."""

    def __init__(self, papers: Iterable[Paper], settings: Settings) -> None:
        """Embed the papers and load the models; this is slow."""
        from llama_index.core import Document, VectorStoreIndex
        from llama_index.core.query_engine import CitationQueryEngine
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
        from llama_index.llms.openai_like import OpenAILike

        self._llm = EmbeddedLLM(
            models.ensure(settings.llm_model), settings.llm_model, ServerOptions(n_ctx=8192)
        )
        base_url, key = self._llm.address()
        embedding = HuggingFaceEmbedding(
            model_name=str(models.ensure(settings.embedding_model)),
            query_instruction="query: ",
            text_instruction="passage: ",
        )
        documents = [Document(text=paper.text, metadata={"paper": paper.paper_id}) for paper in papers]
        index = VectorStoreIndex.from_documents(documents, embed_model=embedding)
        self._engine = CitationQueryEngine.from_args(
            index,
            llm=OpenAILike(
                model=settings.llm_model,
                api_base=base_url,
                api_key=key,
                is_chat_model=True,
                context_window=8192,
                max_tokens=settings.max_answer_tokens,
                temperature=0.0,
                timeout=600.0,
            ),
            similarity_top_k=TOP_K,
            streaming=True,
        )

    def ask(self, question: str, history: Sequence[tuple[str, str]] = ()) -> EngineAnswer:
        """Answer one question; the engine ignores history."""
        started = time.perf_counter()
        response = self._engine.query(question)
        first, text = None, ""
        for delta in response.response_gen:
            first = first or time.perf_counter() - started
            text += delta
        total = time.perf_counter() - started
        papers = [str(node.node.metadata["paper"]) for node in response.source_nodes]
        marks = dict.fromkeys(int(mark) for mark in _MARKER.findall(text))
        named = dict.fromkeys(papers[mark - 1] for mark in marks if 1 <= mark <= len(papers))
        refused = not text.strip() or bool(_REFUSED.search(text))
        return EngineAnswer(
            {
                "question": question,
                "language": detect_language(question),
                "answer": text,
                "refused": refused,
                "citations": [] if refused else [{"paper_id": paper} for paper in named],
                "contexts": [{"paper_id": paper} for paper in dict.fromkeys(papers)],
                "unknown_markers": sum(not 1 <= mark <= len(papers) for mark in marks),
                "timings": {"first_token_s": first or total, "total_s": total},
            }
        )

    def __enter__(self) -> CitationEngine:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the language model."""
        self._llm.close()
