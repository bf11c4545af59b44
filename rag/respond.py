"""From the retrieved abstracts to an answer: what the model reads, in one chat or one an abstract, checked as it comes.

The embedded model is small and slow: it mixes up abstracts that it reads together, and to read is what takes its time. So it
is asked about one abstract at a time, the first found and then the nearest, and what it has read of it is kept
(`rag.llama_prefix`). A hosted model reads what the question needs of all of them in one chat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from rag.abstain import Abstention, Gate
from rag.align import Alignment
from rag.asked import Asked
from rag.attribute import Attributor, SentenceVerifier
from rag.breadth import asks_for_several
from rag.cite import NOTHING_SAID, Cited
from rag.evidence import MAX_GAP, ContextSentences, PassageEmbedder, evidence_for
from rag.findings import finding_chats, quote_findings
from rag.generate import Chat, GateFor, Generated, stream_answer, stream_each
from rag.instructions import without_rules
from rag.language import detect_language
from rag.layout import (
    abstract_messages,
    estimate_tokens,
    evidence_room,
    reading_room,
    several_messages,
)
from rag.llm import LLM
from rag.numbers import spelled_for
from rag.reading import ABSTRACT_TOKENS, readable
from rag.repetition import asks_to_decide
from rag.retrieve import QueryEmbedder, query_vector
from rag.schema import Language, ScoredChunk
from rag.translate import translate
from rag.verbatim import is_better_quoted

# Evidence a hosted model is given of all abstracts together, in its tokens, unless the settings say otherwise.
HOSTED_TOKENS = 4000
# Where one abstract is to answer and `rag.abstain` judges, one that lies further from the question than the nearest by more than
# this is not asked: of 147 right answers to development and published questions 146 come from the nearest, the other from one
# within .02; the 7 from beyond .05 are all wrong, 6 of them answer what no abstract does.
SINGLE_GAP = 0.05
# A question over several abstracts is put to the embedded model for each of so many, within this gap: of 45 expected ones that
# are retrieved, .4 would leave 6 unread, for each holds a part of the answer only.
SEVERAL_ABSTRACTS = 6
SEVERAL_GAP = 0.5
# A Chinese answer from an English abstract that takes the model more surprisal than this (nats) is given up; the abstract
# is asked about in English instead, and the answer translated. Of 49 such development answers that gives up 21, and 7 of the
# 9 wrong ones.
MOST_SURPRISAL = 2.5
# Sentences of a reply about one abstract, and of one that is translated; of 120 replies 113 are a single one.
MOST_SENTENCES, MOST_TRANSLATED = 4, 3


class AnswerEmbedder(PassageEmbedder, QueryEmbedder, Protocol):
    """What this needs of an embedder; `rag.embed.Embedder` is one."""


# The model need not be asked.
_NOTHING = Generated(NOTHING_SAID, True, 0.0)


@dataclass(frozen=True)
class Responder:
    """Everything an answer is made with; `evidence_tokens` None means what suits the model.

    Without `abstention` the model decides by itself whether the abstracts answer; without `most_surprisal` no answer is given
    up for being uncertain.
    """

    llm: LLM
    embedder: AnswerEmbedder
    alignment: Alignment
    verifier: SentenceVerifier
    max_answer_tokens: int
    evidence_tokens: int | None = None
    abstention: Abstention | None = None
    most_surprisal: float | None = MOST_SURPRISAL

    def answer(
        self,
        question: str,
        language: Language,
        contexts: Sequence[ScoredChunk],
        history: Sequence[tuple[str, str]] = (),
    ) -> Iterator[tuple[str, Cited] | Generated]:
        """Yield as `rag.generate.stream_answer` does; contexts that the question does not need are not read.

        A question over several abstracts is put to each by itself, and where none answers as if one were asked for. What in a
        question would change the rules is not put to the model; one that is nothing else is refused.
        """
        question = without_rules(question)
        if not question:
            yield _NOTHING
            return
        asked = self.asked(question, language, contexts, history)
        if self.llm.endpoint is not None:
            yield from self._answer_together(asked)
            return
        several = asks_for_several(question)
        if several:
            for item in self.put_to_each(asked):
                if isinstance(item, Generated) and item.refused:
                    break
                yield item
            else:
                return
        yield from self.put_singly(asked, MAX_GAP if several else None)

    def asked(
        self,
        question: str,
        language: Language,
        contexts: Sequence[ScoredChunk],
        history: Sequence[tuple[str, str]] = (),
    ) -> Asked:
        """Return a question with what answering it needs; the arguments are those of `answer`."""
        sentences = ContextSentences(contexts, self.embedder, self.alignment)
        vector = query_vector(self.embedder, self.alignment, question, language)[0]
        return Asked(question, language, history, sentences, vector)

    def put_to_each(self, asked: Asked) -> Iterator[tuple[str, Cited] | Generated]:
        """Ask each abstract for its part, and show all parts."""
        best = max(asked.nearest, default=0.0)
        turns = sorted(asked.in_turn(SEVERAL_GAP))
        sentences = asked.sentences.of([number for number, _ in turns])
        chats = [
            replace(
                self._chat(asked, number),
                gate_for=partial(self.abstention.part_gate, near - best) if self.abstention else None,
            )
            for number, near in turns
        ]
        attributor = Attributor(sentences, self.verifier, asked.question, marked=True)
        return stream_each(self.llm, chats, sentences.contexts, self.max_answer_tokens, attributor)

    def put_singly(self, asked: Asked, gap: float | None = None) -> Iterator[tuple[str, Cited] | Generated]:
        """Ask one abstract after the other until one answers, the first found and then the nearest; none where none knows a name in
        the question.

        That says that they do not answer: of 120 development questions that one abstract answers 1 has such a name, of 76 that
        none answers 14. Of the others one that lies further than the nearest by more than `gap` is not asked, or else `SINGLE_GAP`.
        """
        refused: list[Generated] = []
        if gap is None:
            gap = SINGLE_GAP if self.abstention else MAX_GAP
        if self.abstention and asked.unknown:
            yield _NOTHING
            return
        for number, near in asked.first_in_turn(gap):
            for item in self._answer_from(asked, number, near):
                if isinstance(item, Generated) and item.refused:
                    refused.append(item)
                    break
                yield item
            else:
                return
        dropped = tuple(sentence for each in refused for sentence in each.cited.dropped)
        told = [each.confidence for each in refused if each.confidence is not None]
        yield Generated(replace(NOTHING_SAID, dropped=dropped), True, max(told, default=None))

    def _answer_from(
        self, asked: Asked, number: int, nearest: float
    ) -> Iterator[tuple[str, Cited] | Generated]:
        """Answer from one abstract, and where a reply is given up, or says yes or no alone, by the next one to try."""
        sentences, polar = asked.sentences.of([number]), asks_to_decide(asked.question)
        gate = None
        if self.abstention:
            weak = asked.is_first(number)
            gate_for = partial(self.abstention.gate, asked.language, nearest, polar=polar, shows_weak=weak)
            gate = _once(gate_for)
        chats = [(chat, asked.question) for chat in self._chats(asked, number, gate)]
        decides = not (polar and self.llm.supports_grammar)
        one_language = asked.sentences.contexts[number - 1].paper.language == asked.language
        better_quoted = partial(is_better_quoted, asked.question) if one_language else None
        if not decides and not one_language:
            found = finding_chats(sentences, asked.question, asked.vector, asked.language, gate)
            chats += [(chat, "") for chat in found]
        for left, (chat, question) in enumerate(chats, 1 - len(chats)):
            attributor = Attributor(
                sentences,
                self.verifier,
                question,
                may_decide=decides,
                better_quoted=better_quoted,
            )
            for item in stream_answer(self.llm, chat, sentences.contexts, self.max_answer_tokens, attributor):
                if isinstance(item, Generated):
                    if item.given_up or (item.refused and attributor.decided and left):
                        break
                    if item.refused and attributor.decided and one_language:
                        found_here = quote_findings(sentences, asked.question, asked.vector, gate)
                        if not found_here.refused:
                            item = found_here
                            yield item.cited.text, item.cited
                yield item
            else:
                return

    def _chats(self, asked: Asked, number: int, gate: GateFor | None) -> Iterator[Chat]:
        """Yield the chats about one abstract to try in turn.

        An answer in Chinese from an English abstract has to be certain; else it is made in English and translated, and where
        that fails the uncertain one has to do. English answers from Chinese abstracts are right as they are (34 of 35
        development questions), and where no grammar holds the model it may not stay in one language.
        """
        plain = replace(self._chat(asked, number), gate_for=gate)
        held = self.llm.supports_grammar and self.most_surprisal is not None
        read = asked.sentences.contexts[number - 1].paper.language
        if held and (asked.language, read) == ("zh", "en"):
            yield replace(plain, most_surprisal=self.most_surprisal)
            yield replace(
                self._chat(asked, number, read_in="en"),
                gate_for=gate,
                most_sentences=MOST_TRANSLATED,
                translate=partial(self._translate, asked),
            )
        yield plain

    def _chat(self, asked: Asked, number: int, *, read_in: Language | None = None) -> Chat:
        """Return the chat about one context that is to be answered in `read_in`, else in the question's language."""
        paper = asked.sentences.contexts[number - 1].paper
        room = self.llm.context_window - self.max_answer_tokens
        text, left = readable(paper), reading_room(room, asked.question, asked.history)
        budget = min(self.evidence_tokens or ABSTRACT_TOKENS, left)
        whole = estimate_tokens(text) <= budget
        if not whole:
            only = asked.sentences.of([number])
            text = evidence_for(only, asked.question, asked.vector, estimate_tokens, budget)[1]
        language, name = read_in or asked.language, paper.paper_id if whole else None
        text = spelled_for(text, language)
        return Chat(
            abstract_messages(
                name, text, asked.question, asked.language, asked.history, room, read_in=read_in
            ),
            language,
            most_sentences=MOST_SENTENCES,
        )

    def _translate(self, asked: Asked, sentence: str) -> str | None:
        if detect_language(sentence) == asked.language:
            return sentence
        return translate(self.llm, asked.question, sentence)

    def _answer_together(self, asked: Asked) -> Iterator[tuple[str, Cited] | Generated]:
        """Answer from the evidence of all abstracts in one chat."""
        room = self.llm.context_window - self.max_answer_tokens
        budget = min(
            self.evidence_tokens or HOSTED_TOKENS,
            evidence_room(asked.question, asked.language, asked.history, room),
        )
        read = evidence_for(asked.sentences, asked.question, asked.vector, estimate_tokens, budget)
        sentences = asked.sentences.of(list(read))
        messages = several_messages(asked.question, list(read.values()), asked.language, asked.history, room)
        attributor = Attributor(sentences, self.verifier, asked.question)
        chat = Chat(messages, asked.language)
        return stream_answer(self.llm, chat, sentences.contexts, self.max_answer_tokens, attributor)


def _once(gate_for: GateFor) -> GateFor:
    """Return what gives every reply to a question the gate of the first: how likely that was a refusal decides."""
    made: list[Gate] = []

    def first(refusal: float) -> Gate:
        """Return the gate, made when it is first asked for."""
        if not made:
            made.append(gate_for(refusal))
        return made[0]

    return first
