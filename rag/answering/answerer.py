"""Answer a question from the retrieved abstracts: choose which ones the model reads, and in which chats.

A small model confuses abstracts that it reads together. So it reads one at a time, and an embedded one's
state after each is cached (`rag.llm.llama_cpp.prefix_cache`). A large model reads the relevant sentences of
all abstracts in one chat (`rag.llm.size`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rag.answering.abstention import PLAIN, Abstention
from rag.answering.citing.attribution import Attributor, ContextEvidence, ReplyRules, SentenceVerifier
from rag.answering.citing.citations import NOTHING_SAID, cite_quotes
from rag.answering.citing.result_sentences import MAX_RESULTS
from rag.answering.context import ContextSentences, evidence_for
from rag.answering.generation.messages import (
    ABSTRACT_TOKENS,
    abstract_budget,
    abstract_messages,
    abstract_text,
    context_budget,
    estimate_tokens,
    several_messages,
)
from rag.answering.generation.prompts import FOUND
from rag.answering.generation.streaming import (
    Answering,
    Chat,
    Generated,
    Shown,
    is_sure,
    max_confidence,
    stream_answer,
    stream_each,
)
from rag.answering.generation.translation import translate
from rag.answering.query_context import QueryContext
from rag.answering.question import is_multi_document, is_yes_no_question
from rag.answering.quotations import nearest_sentences, stated_results
from rag.answering.retrieval import query_vector
from rag.embedding.alignment import Alignment
from rag.embedding.base import Embedder
from rag.llm.base import LLM
from rag.schema import History, Language, ProgressEvent, ScoredChunk
from rag.text.injection import without_rules
from rag.text.language import detect_language
from rag.text.numbers import localise_numbers

# Tokens of evidence for a model that reads all abstracts together, unless the settings say otherwise.
TOGETHER_TOKENS = 4000
# Cosine that an abstract may lack to the nearest one and still be asked; higher asks more.
# See docs/decisions.md#which-abstracts-are-asked.
SINGLE_GAP = 0.1
SEVERAL_GAP = 0.2
# Cosine that a second abstract may lack to the nearest one for each of them to be asked, whatever the words
# of the question; higher asks more questions in this way. See docs/decisions.md#several-abstracts.
NEAR_GAP = 0.12
# Probability of an answer from which a reply about one of several abstracts is shown; higher shows fewer.
# Each answers a part only, so the model doubts more. See docs/decisions.md#abstention.
SEVERAL_CONFIDENCE = 0.15
# Abstracts to retrieve at least for a question over several.
SEVERAL_ABSTRACTS = 6
# Nats. A less likely Chinese answer from an English abstract is generated again in English and translated.
MAX_NLL = 2.5
# Sentences of a reply about one abstract, and of a reply that is translated.
MOST_SENTENCES, MOST_TRANSLATED = 4, 3

_REFUSAL = Generated(NOTHING_SAID, True, 0.0)


@dataclass(frozen=True)
class Answerer:
    """Answers questions from retrieved abstracts.

    Attributes:
        evidence_tokens: tokens of evidence per chat; None takes the default of the kind of chat.
        together: whether the model reads all abstracts in one chat.
        abstention: if None, the model itself decides whether an abstract answers.
        max_nll: nats; if None, no reply is given up for being unlikely.
    """

    llm: LLM
    embedder: Embedder
    alignment: Alignment
    verifier: SentenceVerifier
    max_answer_tokens: int
    evidence_tokens: int | None = None
    together: bool = False
    abstention: Abstention | None = None
    max_nll: float | None = MAX_NLL

    def answer(
        self, question: str, language: Language, contexts: Sequence[ScoredChunk], history: History = ()
    ) -> Iterator[Shown | ProgressEvent | Generated]:
        """Yield what may be shown as it arrives and what is being done, then the finished answer.

        Parts of the question that try to change the rules are removed. If nothing is left, it is refused.
        """
        question = without_rules(question)
        if not question:
            yield _REFUSAL
            return
        generated = yield from self._answer(self.query_context(question, language, contexts, history))
        yield generated

    def query_context(
        self, question: str, language: Language, contexts: Sequence[ScoredChunk], history: History = ()
    ) -> QueryContext:
        """Prepare a question: embed it, and attach the sentences of its contexts."""
        sentences = ContextSentences(contexts, self.embedder, self.alignment)
        vector = query_vector(self.embedder, self.alignment, question, language)[0]
        return QueryContext(question, language, history, sentences, vector)

    def _answer(self, query: QueryContext) -> Answering:
        if self.together:
            return (yield from self._answer_together(query))
        several = is_multi_document(query.question)
        if several or self._answered_by_several(query):
            generated = yield from self.answer_from_each(query, several=several)
            if not generated.refused or not generated.cited.dropped:  # asked again, each would refuse again
                return generated
        return (yield from self.answer_from_best(query))

    def _answered_by_several(self, query: QueryContext) -> bool:
        """Return whether two or more abstracts lie within NEAR_GAP of the best cosine.

        False for an embedding model whose cosines abstention was not fitted to, and for questions for yes or
        no, of which an answer from one abstract is held to more.
        """
        if self.abstention is None or self.abstention.embedding is None:
            return False
        if is_yes_no_question(query.question) and self.llm.supports_grammar:
            return False
        return len(query.within(NEAR_GAP)) > 1

    def answer_from_each(self, query: QueryContext, *, several: bool) -> Answering:
        """Ask about each abstract alone, and show all replies.

        Where the words of the question do not say that it is about `several`, only abstracts within NEAR_GAP
        are asked (and those found by words alone), and each has to answer as surely as the only one.
        """
        numbers = query.near_contexts(SEVERAL_GAP if several else NEAR_GAP)
        sentences = query.sentences.of(numbers)
        chats = [self.chat(query, number) for number in numbers]
        if several:
            chats = [_shown(chat, SEVERAL_CONFIDENCE) for chat in chats]
        rules = ReplyRules(marked=True, strict=self.abstention is not None, first_may_be_weak=False)
        attributor = Attributor(sentences, self.verifier, query.question, rules)
        quote = partial(nearest_sentences, query, sentences) if self.abstention else lambda _: ()
        return stream_each(self.llm, chats, sentences.contexts, self.max_answer_tokens, attributor, quote)

    def answer_from_best(self, query: QueryContext) -> Answering:
        """Ask about one abstract after the other, the best found first, until one answers."""
        dropped: list[str] = []
        confidence: float | None = None
        gap = SINGLE_GAP if self.abstention else SEVERAL_GAP  # a model that may refuse is asked again
        numbers = query.near_contexts(gap)
        for place, number in enumerate(numbers, 1):
            yield ProgressEvent("reading", place, len(numbers))
            generated = yield from self._answer_from(query, number)
            if not generated.refused:
                return generated
            dropped += generated.cited.dropped
            confidence = max_confidence(confidence, generated.confidence)
        return Generated(replace(NOTHING_SAID, dropped=tuple(dropped)), True, confidence)

    def _answer_from(self, query: QueryContext, number: int) -> Answering:
        """Answer from one abstract; try other chats if the reply is given up or is a bare yes or no."""
        chat = self.chat(query, number)
        if self._must_be_likely(query, number):
            generated = yield from self._ask(query, number, replace(chat, max_nll=self.max_nll))
            chat = _shown(chat)  # the first reply has passed
            if generated.given_up:
                generated = yield from self._ask(query, number, self._english_chat(query, number))
            if generated.given_up:
                generated = yield from self._ask(query, number, chat)
        else:
            generated = yield from self._ask(query, number, chat)
        sentences = query.sentences.of([number])
        if generated.refused and "bare yes or no" in generated.cited.drop_reasons:
            return (yield from self._answer_with(query, number, generated, stated_results(query, sentences)))
        sure = self.abstention is not None and is_sure(generated.confidence)
        if generated.refused and generated.cited.dropped and sure:
            nearest = nearest_sentences(query, sentences, 1)
            return (yield from self._answer_with(query, number, generated, nearest))
        return generated

    def _answer_with(
        self, query: QueryContext, number: int, refused: Generated, evidence: Sequence[ContextEvidence]
    ) -> Answering:
        """Quote sentences of an abstract; across languages the model reports them.

        A model that restates a result tends to drop its condition, so it does so only where it must.
        """
        contexts, language = query.sentences.of([number]).contexts, query.language
        if not evidence:
            return refused
        if _language(query, number) == language:
            cited = cite_quotes(contexts, evidence)
            yield cited.text, cited
            generated = Generated(cited, False)
        else:
            quotes = [contexts[0].paper.text[item.start : item.end] for item in evidence]
            text = localise_numbers(" ".join(quotes), language)
            messages = abstract_messages(None, text, FOUND[language], language)
            chat = Chat(messages, language, self.abstention is None, most_sentences=MAX_RESULTS)
            generated = yield from self._ask(query, number, chat, question="")
        dropped = refused.cited.dropped + generated.cited.dropped
        reasons = refused.cited.drop_reasons + generated.cited.drop_reasons
        cited = replace(generated.cited, dropped=dropped, drop_reasons=reasons)
        return replace(generated, cited=cited, confidence=refused.confidence)

    def _ask(self, query: QueryContext, number: int, chat: Chat, question: str | None = None) -> Answering:
        """Ask the model in a chat about one abstract; `question` replaces the query's own for attribution."""
        sentences = query.sentences.of([number])
        rules = ReplyRules(
            allow_yes_no=not (is_yes_no_question(query.question) and self.llm.supports_grammar),
            prefer_quotes=_language(query, number) == query.language,
            strict=self.abstention is not None,
        )
        asked = query.question if question is None else question
        attributor = Attributor(sentences, self.verifier, asked, rules)
        return stream_answer(self.llm, chat, sentences.contexts, self.max_answer_tokens, attributor)

    def _must_be_likely(self, query: QueryContext, number: int) -> bool:
        """Return whether an unlikely reply is given up and asked for again in English.

        Only Chinese answers from English abstracts need it, and only a grammar keeps a reply in one language.
        """
        possible = self.llm.supports_grammar and self.max_nll is not None
        return possible and (query.language, _language(query, number)) == ("zh", "en")

    def _english_chat(self, query: QueryContext, number: int) -> Chat:
        """Return the chat that answers in English, with a translation of each sentence."""
        return replace(
            _shown(self.chat(query, number, read_in="en")),
            most_sentences=MOST_TRANSLATED,
            translate=partial(self._translate, query),
        )

    def chat(self, query: QueryContext, number: int, *, read_in: Language | None = None) -> Chat:
        """Return the chat about one context, answered in `read_in` or else in the question's language."""
        paper = query.sentences.contexts[number - 1].paper
        room = self.llm.context_window - self.max_answer_tokens
        text, left = abstract_text(paper), abstract_budget(room, query.question, query.history)
        budget = min(self.evidence_tokens or ABSTRACT_TOKENS, left)
        name: str | None = paper.paper_id
        if estimate_tokens(text) > budget:
            sentences, name = query.sentences.of([number]), None
            text = evidence_for(sentences, query.question, query.vector, estimate_tokens, budget)[1]
        language = read_in or query.language
        text = localise_numbers(text, language)
        messages = abstract_messages(
            name, text, query.question, query.language, query.history, room, read_in=read_in
        )
        cosine = query.sentences.contexts[number - 1].dense or 0.0
        doubt = self.abstention.doubt(query.language, paper.language, cosine) if self.abstention else PLAIN
        return Chat(messages, language, self.abstention is None, doubt, most_sentences=MOST_SENTENCES)

    def _translate(self, query: QueryContext, sentence: str) -> str | None:
        if detect_language(sentence) == query.language:
            return sentence
        return translate(self.llm, query.question, sentence)

    def _answer_together(self, query: QueryContext) -> Answering:
        """Answer from the evidence of all abstracts in one chat."""
        room = self.llm.context_window - self.max_answer_tokens
        left = context_budget(query.question, query.language, query.history, room)
        budget = min(self.evidence_tokens or TOGETHER_TOKENS, left)
        read = evidence_for(query.sentences, query.question, query.vector, estimate_tokens, budget)
        sentences = query.sentences.of(list(read))
        yield ProgressEvent("reading", 0, len(read))
        messages = several_messages(query.question, list(read.values()), query.language, query.history, room)
        attributor = Attributor(sentences, self.verifier, query.question)
        chat = Chat(messages, query.language)
        return (
            yield from stream_answer(self.llm, chat, sentences.contexts, self.max_answer_tokens, attributor)
        )


def _shown(chat: Chat, least: float = 0.0) -> Chat:
    """Return the chat with its reply shown from the probability `least` of an answer on, or a lower one."""
    return replace(chat, doubt=replace(chat.doubt, threshold=min(least, chat.doubt.threshold)))


def _language(query: QueryContext, number: int) -> Language:
    return query.sentences.contexts[number - 1].paper.language
