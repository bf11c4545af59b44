"""A Chinese abstract that an English answer rests on is asked in Chinese too, to tell what to quote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from conftest import HashEmbedder, NumberVerifier, ScriptedLLM

from rag.align import Alignment
from rag.cite import Cited
from rag.endpoint import Message
from rag.errors import LLMError
from rag.generate import Generated
from rag.grammar import answer_grammar
from rag.language import detect_language
from rag.prompts import READ_IN_CHINESE
from rag.respond import Responder
from rag.schema import Chunk, Paper, ScoredChunk, Source

ABOUT, TELLS = "本文提出SnowNet用于雪深预测。", "它在高原数据上的误差很小。"
SAID = "SnowNet errs little on the plateau."
QUESTION = "How does SnowNet do on high plains?"
Item = tuple[str, Cited] | Generated


def speaking(native: str) -> Callable[[Sequence[Message]], str]:
    def script(messages: Sequence[Message]) -> str:
        return native if messages[-1].content.endswith(READ_IN_CHINESE) else SAID

    return script


def answering(
    embedder: HashEmbedder, script: Callable[[Sequence[Message]], str], text: str = ABOUT + TELLS
) -> tuple[Iterator[Item], ScriptedLLM]:
    """Put the question to a scripted model with one abstract."""
    paper = Paper("p1", text, detect_language(text), (Source("a", 1),))
    context = ScoredChunk(paper, Chunk("p1-0", "p1", text, 0, len(text), paper.language), 1.0)
    llm = ScriptedLLM(script)
    llm.supports_grammar = True
    responder = Responder(llm, embedder, Alignment(), NumberVerifier(), 200)
    return responder.answer(QUESTION, "en", [context]), llm


def quotes(items: Iterator[Item]) -> list[str]:
    *_, end = items
    assert isinstance(end, Generated)
    (sentence,) = end.cited.sentences
    assert end.cited.text == f"{SAID[:-1]} [1]."
    assert all(quote.number == 1 for quote in sentence.evidence)
    return [quote.quote for quote in sentence.evidence]


def test_the_sentence_with_the_words_of_the_answer_in_chinese_is_quoted_too(embedder: HashEmbedder) -> None:
    items, llm = answering(embedder, speaking("误差很小。"))
    assert quotes(items) == [ABOUT, TELLS]
    assert llm.chats[0][:-1] == llm.chats[1][:-1]
    assert llm.grammars[1] == answer_grammar("zh", may_refuse=False)


def test_the_answer_is_shown_before(embedder: HashEmbedder) -> None:
    items, llm = answering(embedder, speaking("误差很小。"))
    shown = next(items)
    assert isinstance(shown, tuple)
    assert shown[0] == f"{SAID[:-1]} [1]."
    assert len(llm.chats) == 1


@pytest.mark.parametrize("native", ["本文提出SnowNet。", "误差为9.9。", SAID, ""])
def test_what_is_quoted_already_or_says_something_else_or_nothing_adds_none(
    embedder: HashEmbedder, native: str
) -> None:
    items, llm = answering(embedder, speaking(native))
    assert quotes(items) == [ABOUT]
    assert len(llm.chats) == 2


def test_a_model_that_fails_then_costs_the_quotation_alone(embedder: HashEmbedder) -> None:
    def script(messages: Sequence[Message]) -> str:
        if messages[-1].content.endswith(READ_IN_CHINESE):
            raise LLMError("It stopped.")
        return SAID

    assert quotes(answering(embedder, script)[0]) == [ABOUT]


def test_an_abstract_in_the_language_of_the_question_is_asked_once(embedder: HashEmbedder) -> None:
    items, llm = answering(embedder, speaking(""), "SnowNet errs. Code is online.")
    assert quotes(items) == ["SnowNet errs."]
    assert len(llm.chats) == 1
