"""From the retrieved abstracts to an answer: which abstracts the model is asked about, and in which chats.

The embedded model is small and slow: it mixes up abstracts that it reads together, and reading is what takes its time.
So it is asked about one abstract at a time, and what it has read is kept (`rag.llm.llama_cpp.prefix_cache`). A hosted model reads what
the question needs of all abstracts in one chat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rag.answering.abstention import Abstention
from rag.answering.citing.attribution import Attributor, ReplyRules, SentenceVerifier
from rag.answering.citing.citations import NOTHING_SAID
from rag.answering.citing.findings import finding_chat, quote_findings
from rag.answering.context import ContextSentences, evidence_for
from rag.answering.generation.messages import (
    ABSTRACT_TOKENS,
    abstract_messages,
    estimate_tokens,
    evidence_room,
    readable,
    reading_room,
    several_messages,
)
from rag.answering.generation.streaming import (
    Answering,
    Chat,
    Generated,
    Shown,
    max_confidence,
    stream_answer,
    stream_each,
)
from rag.answering.generation.translation import translate
from rag.answering.query_context import QueryContext
from rag.answering.question import is_multi_document, is_yes_no_question
from rag.answering.retrieval import query_vector
from rag.embedding.alignment import Alignment
from rag.embedding.base import Embedder
from rag.llm.base import LLM
from rag.schema import Language, ScoredChunk
from rag.text.injection import without_rules
from rag.text.language import detect_language
from rag.text.numbers import spelled_for

# Tokens of evidence that a hosted model is given of all abstracts together, unless the settings say otherwise.
HOSTED_TOKENS = 4000
# How much further than the nearest an abstract may lie to be asked, in cosine; higher asks more.
# See docs/decisions.md#which-abstracts-are-asked.
SINGLE_GAP = 0.05
SEVERAL_GAP = 0.5
# Abstracts that a question over several is put to, at most.
SEVERAL_ABSTRACTS = 6
# Nats of surprisal; a Chinese answer from an English abstract above it is asked for again in English and translated.
MOST_SURPRISAL = 2.5
# Sentences of a reply about one abstract, and of one that is translated.
MOST_SENTENCES, MOST_TRANSLATED = 4, 3

_REFUSAL = Generated(NOTHING_SAID, True, 0.0)


@dataclass(frozen=True)
class Answerer:
    """Everything an answer is made with; `evidence_tokens` None means what suits the model.

    Without `abstention` the model decides by itself whether the abstracts answer. Without `most_surprisal` no answer is
    given up for being uncertain.
    """

    llm: LLM
    embedder: Embedder
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
    ) -> Iterator[Shown | Generated]:
        """Yield what may be shown as it arrives, then what was `Generated`.

        What in a question would change the rules is not put to the model; a question that is nothing else is refused.
        """
        question = without_rules(question)
        if not question:
            yield _REFUSAL
            return
        generated = yield from self._answer(self.query_context(question, language, contexts, history))
        yield generated

    def query_context(
        self,
        question: str,
        language: Language,
        contexts: Sequence[ScoredChunk],
        history: Sequence[tuple[str, str]] = (),
    ) -> QueryContext:
        """Return a question with what answering it needs; the arguments are those of `answer`."""
        sentences = ContextSentences(contexts, self.embedder, self.alignment)
        vector = query_vector(self.embedder, self.alignment, question, language)[0]
        return QueryContext(question, language, history, sentences, vector)

    def _answer(self, query: QueryContext) -> Answering:
        if self.llm.endpoint is not None:
            return (yield from self._answer_together(query))
        if is_multi_document(query.question):
            generated = yield from self.answer_from_each(query)
            if not generated.refused:
                return generated
        return (yield from self.answer_from_best(query))

    def answer_from_each(self, query: QueryContext) -> Answering:
        """Ask each abstract for its part, and show all parts."""
        numbers = sorted(query.ranked_contexts(SEVERAL_GAP))
        sentences = query.sentences.of(numbers)
        chats = [self.chat(query, number) for number in numbers]
        rules = ReplyRules(marked=True, strict=self.abstention is not None, first_may_be_weak=False)
        attributor = Attributor(sentences, self.verifier, query.question, rules)
        return stream_each(self.llm, chats, sentences.contexts, self.max_answer_tokens, attributor)

    def answer_from_best(self, query: QueryContext) -> Answering:
        """Ask one abstract after the other, the nearest first, until one answers.

        Where no abstract has a name that is in the question, none is asked.
        """
        if self.abstention and query.unknown_names:
            return _REFUSAL
        dropped: list[str] = []
        confidence: float | None = None
        for number in query.ranked_contexts(SINGLE_GAP):
            generated = yield from self._answer_from(query, number)
            if not generated.refused:
                return generated
            dropped += generated.cited.dropped
            confidence = max_confidence(confidence, generated.confidence)
        return Generated(replace(NOTHING_SAID, dropped=tuple(dropped)), True, confidence)

    def _answer_from(self, query: QueryContext, number: int) -> Answering:
        """Answer from one abstract; a reply that is given up is asked for in other ways."""
        chat = self.chat(query, number)
        if self._reads_english_for_chinese(query, number):
            generated = yield from self._ask(query, number, replace(chat, most_surprisal=self.most_surprisal))
            chat = replace(chat, refusal_threshold=None)  # the first reply has passed it
            if generated.given_up:
                generated = yield from self._ask(query, number, self._english_chat(query, number))
            if generated.given_up:
                generated = yield from self._ask(query, number, chat)
        else:
            generated = yield from self._ask(query, number, chat)
        if generated.refused and "bare yes or no" in generated.cited.drop_reasons:
            return (yield from self._answer_with_results(query, number, generated))
        return generated

    def _answer_with_results(self, query: QueryContext, number: int, generated: Generated) -> Answering:
        """Show what the abstract found where the model says no more than yes or no: in its words, or translated."""
        sentences = query.sentences.of([number])
        if _language(query, number) == query.language:
            cited = quote_findings(sentences, query.question, query.vector)
            if cited.sentences:
                yield cited.text, cited
                return Generated(cited, False, generated.confidence)
            return generated
        chat = finding_chat(sentences, query.question, query.vector, query.language)
        if chat is None:
            return generated
        chat = replace(chat, may_refuse=self.abstention is None)
        return (yield from self._ask(query, number, chat, question=""))

    def _ask(self, query: QueryContext, number: int, chat: Chat, question: str | None = None) -> Answering:
        """Put one chat about one abstract to the model."""
        sentences = query.sentences.of([number])
        rules = ReplyRules(
            allow_yes_no=not (is_yes_no_question(query.question) and self.llm.supports_grammar),
            prefer_quotes=_language(query, number) == query.language,
            strict=self.abstention is not None,
        )
        asked = query.question if question is None else question
        attributor = Attributor(sentences, self.verifier, asked, rules)
        return stream_answer(self.llm, chat, sentences.contexts, self.max_answer_tokens, attributor)

    def _reads_english_for_chinese(self, query: QueryContext, number: int) -> bool:
        """Return whether an answer has to be certain to be shown, and is translated else.

        English answers from Chinese abstracts need no such care, and a model that no grammar holds may not stay in one
        language.
        """
        held = self.llm.supports_grammar and self.most_surprisal is not None
        return held and (query.language, _language(query, number)) == ("zh", "en")

    def _english_chat(self, query: QueryContext, number: int) -> Chat:
        """Return the chat in which a Chinese question is answered in English, and the answer translated."""
        return replace(
            self.chat(query, number, read_in="en"),
            refusal_threshold=None,
            most_sentences=MOST_TRANSLATED,
            translate=partial(self._translate, query),
        )

    def chat(self, query: QueryContext, number: int, *, read_in: Language | None = None) -> Chat:
        """Return the chat about one context that is to be answered in `read_in`, else in the question's language."""
        paper = query.sentences.contexts[number - 1].paper
        room = self.llm.context_window - self.max_answer_tokens
        text, left = readable(paper), reading_room(room, query.question, query.history)
        budget = min(self.evidence_tokens or ABSTRACT_TOKENS, left)
        whole = estimate_tokens(text) <= budget
        if not whole:
            only = query.sentences.of([number])
            text = evidence_for(only, query.question, query.vector, estimate_tokens, budget)[1]
        language, name = read_in or query.language, paper.paper_id if whole else None
        text = spelled_for(text, language)
        return Chat(
            abstract_messages(
                name, text, query.question, query.language, query.history, room, read_in=read_in
            ),
            language,
            may_refuse=self.abstention is None,
            refusal_threshold=self.abstention.thresholds[query.language] if self.abstention else None,
            most_sentences=MOST_SENTENCES,
        )

    def _translate(self, query: QueryContext, sentence: str) -> str | None:
        if detect_language(sentence) == query.language:
            return sentence
        return translate(self.llm, query.question, sentence)

    def _answer_together(self, query: QueryContext) -> Answering:
        """Answer from the evidence of all abstracts in one chat."""
        room = self.llm.context_window - self.max_answer_tokens
        left = evidence_room(query.question, query.language, query.history, room)
        budget = min(self.evidence_tokens or HOSTED_TOKENS, left)
        read = evidence_for(query.sentences, query.question, query.vector, estimate_tokens, budget)
        sentences = query.sentences.of(list(read))
        messages = several_messages(query.question, list(read.values()), query.language, query.history, room)
        attributor = Attributor(sentences, self.verifier, query.question)
        chat = Chat(messages, query.language)
        return stream_answer(self.llm, chat, sentences.contexts, self.max_answer_tokens, attributor)


def _language(query: QueryContext, number: int) -> Language:
    return query.sentences.contexts[number - 1].paper.language
