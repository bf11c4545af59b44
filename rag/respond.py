"""From the retrieved abstracts to an answer: what the model reads, in one chat or one an abstract, checked as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from rag.abstain import PART, Abstention, Gate
from rag.align import Alignment
from rag.attribute import Attributor, SentenceVerifier
from rag.breadth import asks_for_several
from rag.chinese import to_simplified
from rag.cite import Cited
from rag.evidence import ContextSentences, PassageEmbedder, evidence_for
from rag.generate import (
    GateFor,
    Generated,
    build_messages,
    estimate_tokens,
    evidence_room,
    stream_answer,
    stream_each,
)
from rag.llm import LLM
from rag.retrieve import QueryEmbedder
from rag.schema import Language, ScoredChunk

# Evidence a model is given, in its tokens, unless the settings say otherwise: the embedded one reads 80 a second on 2
# cores (see `rag.evidence` for what that many hold), a hosted one reads whole abstracts at once.
EVIDENCE_TOKENS = 220
HOSTED_TOKENS = 4000
# A question over several abstracts is put to the embedded model once for each, since a small model that reads them
# together mixes them up. On benchmarks/dev_several.jsonl (20 questions, 49 abstracts expected): 37 cited of 42 citations,
# all expected ones for 11 questions, 12.5 s; in one chat 23 of 26, for 3 questions, 7.6 s.
SEVERAL_ABSTRACTS = 6
EVIDENCE_EACH_TOKENS = 150
# Of 45 expected abstracts that are retrieved, `rag.evidence.MAX_GAP` would leave 6 unread: each holds a part of the answer
# only, and lies further from the question than the one that says most.
SEVERAL_GAP = 0.5


class QuestionEmbedder(PassageEmbedder, QueryEmbedder, Protocol):
    """What this needs of an embedder; `rag.embed.Embedder` is one."""


@dataclass(frozen=True)
class Responder:
    """Everything an answer is made with; `evidence_tokens` None means what suits the model.

    Without `abstention` the model decides by itself whether the abstracts answer.
    """

    llm: LLM
    embedder: QuestionEmbedder
    alignment: Alignment
    verifier: SentenceVerifier
    max_answer_tokens: int
    evidence_tokens: int | None = None
    abstention: Abstention | None = None

    def answer(
        self,
        question: str,
        language: Language,
        contexts: Sequence[ScoredChunk],
        history: Sequence[tuple[str, str]] = (),
    ) -> Iterator[tuple[str, Cited] | Generated]:
        """Yield as `rag.generate.stream_answer` does; contexts that the question does not need are not read."""
        everything = ContextSentences(contexts, self.embedder, self.alignment)
        vector = self.alignment.apply_query(self.embedder.embed_query(to_simplified(question)), language)[0]
        budget = self._budget(question, language, history)
        read: dict[int, str] = {}
        if self.llm.endpoint is None and asks_for_several(question):
            read = evidence_for(
                everything,
                question,
                vector,
                estimate_tokens,
                EVIDENCE_EACH_TOKENS * len(contexts),
                EVIDENCE_EACH_TOKENS,
                SEVERAL_GAP,
            )
        each = len(read) > 1
        if not each:
            read = evidence_for(everything, question, vector, estimate_tokens, budget)
        sentences = everything.of(list(read))
        nearest = sentences.nearest(question, vector)
        attributor = Attributor(sentences, self.verifier, question)
        room = self.llm.context_window - self.max_answer_tokens
        if each:
            chats = [build_messages(question, [text], language, history, room) for text in read.values()]
            best = max(nearest)
            gates = [partial(Gate, PART, near - best) for near in nearest] if self.abstention else []
            return stream_each(
                self.llm, chats, sentences.contexts, self.max_answer_tokens, attributor, language, gates
            )
        messages = build_messages(question, list(read.values()), language, history, room)
        gate = self._gate_for(language, max(nearest, default=0.0))
        return stream_answer(
            self.llm, messages, sentences.contexts, self.max_answer_tokens, attributor, language, gate
        )

    def _gate_for(self, language: Language, nearness: float) -> GateFor | None:
        if self.abstention is None:
            return None
        return partial(self.abstention.gate, language, nearness)

    def _budget(self, question: str, language: Language, history: Sequence[tuple[str, str]]) -> int:
        usual = EVIDENCE_TOKENS if self.llm.endpoint is None else HOSTED_TOKENS
        room = self.llm.context_window - self.max_answer_tokens
        return min(self.evidence_tokens or usual, evidence_room(question, language, history, room))
