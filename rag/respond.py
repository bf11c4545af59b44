"""From the retrieved abstracts to an answer: what the model reads, in one chat or one an abstract, checked as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from rag.abstain import PART, Abstention, Gate
from rag.align import Alignment, Vectors
from rag.attribute import Attributor, SentenceVerifier
from rag.breadth import asks_for_several
from rag.cite import Cited
from rag.endpoint import Message
from rag.evidence import ContextSentences, PassageEmbedder, evidence_for
from rag.generate import Chat, GateFor, Generated, stream_answer, stream_each
from rag.language import detect_language
from rag.layout import build_messages, estimate_tokens, evidence_room
from rag.llm import LLM
from rag.numbers import spelled_for
from rag.retrieve import QueryEmbedder, query_vector
from rag.schema import Language, ScoredChunk
from rag.translate import translate
from rag.verify_llm import ask_support

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
# A Chinese answer from an English abstract whose first sentence is less certain than this (mean log probability of a token)
# is given up; the abstract is read in English instead, and the answer translated. Of the 49 development questions of that
# kind 44 are so answered right (42 by -.1, 41 by -.2), 21 of them given up, which takes 4 s more; 36 when all are answered in
# Chinese at once, 40 when all are translated. It tells right from wrong there with AUC .83, and where an English question is
# answered from a Chinese abstract with .54.
LEAST_CERTAIN = -0.15


class AnswerEmbedder(PassageEmbedder, QueryEmbedder, Protocol):
    """What this needs of an embedder; `rag.embed.Embedder` is one."""


@dataclass(frozen=True)
class _Asked:
    """One question, after earlier turns, with the sentences of its contexts and its aligned vector (d,)."""

    question: str
    language: Language
    history: Sequence[tuple[str, str]]
    sentences: ContextSentences
    vector: Vectors


@dataclass(frozen=True)
class Responder:
    """Everything an answer is made with; `evidence_tokens` None means what suits the model.

    Without `abstention` the model decides by itself whether the abstracts answer; without `least_certain` no answer is given
    up for being uncertain.
    """

    llm: LLM
    embedder: AnswerEmbedder
    alignment: Alignment
    verifier: SentenceVerifier
    max_answer_tokens: int
    evidence_tokens: int | None = None
    abstention: Abstention | None = None
    least_certain: float | None = LEAST_CERTAIN

    def answer(
        self,
        question: str,
        language: Language,
        contexts: Sequence[ScoredChunk],
        history: Sequence[tuple[str, str]] = (),
    ) -> Iterator[tuple[str, Cited] | Generated]:
        """Yield as `rag.generate.stream_answer` does; contexts that the question does not need are not read.

        A question over several abstracts is put to each by itself, and to all of them together where none answers.
        """
        asked = _Asked(
            question,
            language,
            history,
            ContextSentences(contexts, self.embedder, self.alignment),
            query_vector(self.embedder, self.alignment, question, language)[0],
        )
        if self.llm.endpoint is None and asks_for_several(question):
            read = self._read_each(asked)
            if len(read) > 1:
                for item in self._answer_each(asked, read):
                    if isinstance(item, Generated) and item.refused:
                        break
                    yield item
                else:
                    return
        yield from self._answer_together(asked)

    def _read_each(self, asked: _Asked) -> dict[int, str]:
        contexts = len(asked.sentences.contexts)
        return evidence_for(
            asked.sentences,
            asked.question,
            asked.vector,
            estimate_tokens,
            EVIDENCE_EACH_TOKENS * contexts,
            EVIDENCE_EACH_TOKENS,
            SEVERAL_GAP,
        )

    def _answer_each(self, asked: _Asked, read: Mapping[int, str]) -> Iterator[tuple[str, Cited] | Generated]:
        sentences = asked.sentences.of(list(read))
        nearest = sentences.nearest(asked.question, asked.vector)
        best = max(nearest)
        gates = [partial(Gate, PART, near - best) if self.abstention else None for near in nearest]
        chats = [
            Chat(self._messages(asked, [text], asked.language), asked.language, gate)
            for text, gate in zip(read.values(), gates, strict=True)
        ]
        attributor = Attributor(sentences, self.verifier, asked.question)
        return stream_each(self.llm, chats, sentences.contexts, self.max_answer_tokens, attributor)

    def _answer_together(self, asked: _Asked) -> Iterator[tuple[str, Cited] | Generated]:
        """Answer from all abstracts in one chat, and where that is given up in the next one."""
        budget = self._budget(asked.question, asked.language, asked.history)
        read = evidence_for(asked.sentences, asked.question, asked.vector, estimate_tokens, budget)
        sentences = asked.sentences.of(list(read))
        nearest = sentences.nearest(asked.question, asked.vector)
        best = max(nearest, default=0.0)
        gate = _once(partial(self.abstention.gate, asked.language, best)) if self.abstention else None
        ask = partial(ask_support, self.llm) if gate else None
        for chat in self._chats(asked, list(read.values()), sentences, nearest, gate):
            attributor = Attributor(sentences, self.verifier, asked.question, ask)
            for item in stream_answer(self.llm, chat, sentences.contexts, self.max_answer_tokens, attributor):
                if isinstance(item, Generated) and item.given_up:
                    break
                yield item
            else:
                return

    def _chats(
        self,
        asked: _Asked,
        abstracts: Sequence[str],
        sentences: ContextSentences,
        nearest: Sequence[float],
        gate: GateFor | None,
    ) -> Iterator[Chat]:
        """Yield the chats to try in turn.

        An answer in Chinese from an English abstract has to be certain; else it is made in English and translated, and where
        that fails the uncertain one has to do. English answers from Chinese abstracts gain little so (30 of 35 development
        questions for 28), and where no grammar holds the model it may not stay in one language.
        """
        plain = Chat(self._messages(asked, abstracts, asked.language), asked.language, gate)
        first = sentences.contexts[nearest.index(max(nearest))].paper.language if nearest else asked.language
        held = self.llm.supports_grammar and self.least_certain is not None
        if held and (asked.language, first) == ("zh", "en"):
            yield replace(plain, least_certain=self.least_certain)
            yield Chat(
                self._messages(asked, abstracts, "en"), "en", gate, translate=partial(self._translate, asked)
            )
        yield plain

    def _messages(self, asked: _Asked, abstracts: Sequence[str], language: Language) -> list[Message]:
        """Return the chat about abstracts that is to be answered in `language`."""
        room = self.llm.context_window - self.max_answer_tokens
        read = [spelled_for(text, language) for text in abstracts]
        return build_messages(asked.question, read, asked.language, asked.history, room, read_in=language)

    def _translate(self, asked: _Asked, sentence: str) -> str | None:
        if detect_language(sentence) == asked.language:
            return sentence
        return translate(self.llm, asked.question, sentence)

    def _budget(self, question: str, language: Language, history: Sequence[tuple[str, str]]) -> int:
        usual = EVIDENCE_TOKENS if self.llm.endpoint is None else HOSTED_TOKENS
        room = self.llm.context_window - self.max_answer_tokens
        return min(self.evidence_tokens or usual, evidence_room(question, language, history, room))


def _once(gate_for: GateFor) -> GateFor:
    """Return what gives every reply to a question the gate of the first: how likely that was a refusal decides."""
    made: list[Gate] = []

    def first(refusal: float) -> Gate:
        """Return the gate, made when it is first asked for."""
        if not made:
            made.append(gate_for(refusal))
        return made[0]

    return first
