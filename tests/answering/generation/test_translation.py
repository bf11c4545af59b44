"""What was read in English is said in Chinese, with its numbers and names, and rests on the same words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.abstention import Abstention
from rag.answering.answerer import MAX_NLL, Answerer
from rag.answering.generation.prompts import READ_IN_ENGLISH, REMINDERS, TRANSLATE_SYSTEM
from rag.answering.generation.streaming import Generated
from rag.answering.generation.translation import lost, translate, translation_grammar, translation_prefix
from rag.embedding.alignment import Alignment
from rag.llm.base import Message
from rag.schema import Chunk, Language, Paper, ProgressEvent, ScoredChunk, Source
from rag.text.language import detect_language
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

MUSE = "CC3M: Muse FID多少?"
READ = "Muse reaches an FID of 6.06 on CC3M [1]."
READ_TWICE = f"{READ} It has 900M parameters [1]."
SAID = "Muse在CC3M上的FID为6.06。"
TEXTS: list[tuple[Language, str]] = [
    ("en", "Muse is a text-to-image Transformer. It reaches an FID of 6.06 on CC3M with 900M parameters."),
    ("zh", "本文提出SnowNet用于雪深预测。SnowNet在高原数据上的误差为2.5厘米。"),
    ("en", "We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent."),
]
Script = Callable[[Sequence[Message]], str]


def speaking(*said: str, read: str = READ, anew: str = "它的FID很低[1]。") -> Script:
    """Return a model that answers `anew` at once, reads `read` in English, and translates with each of `said` in turn."""
    left = list(said)

    def script(messages: Sequence[Message]) -> str:
        if messages[0].content == TRANSLATE_SYSTEM:
            return left.pop(0)
        return read if messages[-1].content.endswith(READ_IN_ENGLISH) else anew

    return script


@pytest.fixture
def ask(embedder: HashEmbedder) -> Callable[..., tuple[Generated, list[str], ScriptedLLM]]:
    """Put a question to a scripted model with three abstracts; return the answer, what was shown when, and the model."""

    def ask_(
        script: Script,
        question: str = MUSE,
        *,
        grammar: bool = True,
        negative_log_likelihood: float = 1.0,
        first_tokens: Callable[[Sequence[Message]], Sequence[tuple[str, float]]] | None = None,
    ) -> tuple[Generated, list[str], ScriptedLLM]:
        papers = [
            Paper(f"p{n}", text, language, (Source("a", n),)) for n, (language, text) in enumerate(TEXTS)
        ]
        contexts = [
            ScoredChunk(p, Chunk(f"{p.paper_id}-0", p.paper_id, p.text, 0, len(p.text), p.language), 1.0)
            for p in papers
        ]
        llm = ScriptedLLM(script, negative_log_likelihood=lambda messages: negative_log_likelihood)
        llm.supports_grammar = grammar
        abstention = None
        if first_tokens:
            llm.first_tokens = first_tokens
            abstention = Abstention("scripted", None, 0.0, -1.0, 0.0, 0.0, 0.0, threshold=0.5)
        responder = Answerer(llm, embedder, Alignment(), NumberVerifier(), 200, abstention=abstention)
        *shown, end = responder.answer(question, detect_language(question), contexts)
        assert isinstance(end, Generated)
        return end, [item[0] for item in shown if not isinstance(item, Generated | ProgressEvent)], llm

    return ask_


Ask = Callable[..., tuple[Generated, list[str], ScriptedLLM]]


def test_an_uncertain_answer_is_made_in_the_abstract_s_language_and_the_answer_said_in_the_question_s(
    ask: Ask,
) -> None:
    answer, _, llm = ask(speaking(SAID))
    assert answer.cited.text == "Muse在CC3M上的FID为6.06 [1]。"
    assert answer.cited.citations[0].quote == "It reaches an FID of 6.06 on CC3M with 900M parameters."
    assert answer.cited.sentences[0].evidence[0].quote == answer.cited.citations[0].quote
    at_once, reading, translating = llm.chats
    assert at_once[-1].content.endswith(REMINDERS["zh"])
    assert at_once[:-1] == reading[:-1]
    assert reading[-1].content.endswith(READ_IN_ENGLISH)
    assert list(translating[:-1]) == translation_prefix()
    assert MUSE in translating[-1].content
    assert "[1]" not in translating[-1].content


@pytest.mark.parametrize(("share", "chats"), [(0.99, 1), (1.01, 3)])
def test_a_certain_answer_is_shown_as_it_is(ask: Ask, share: float, chats: int) -> None:
    """The script's reply comes in four pieces, of which the first does not count."""
    answer, _, llm = ask(speaking(SAID), negative_log_likelihood=share * MAX_NLL / 3)
    assert len(llm.chats) == chats
    assert ("很低" in answer.cited.text) == (chats == 1)


def test_an_english_question_on_a_chinese_abstract_is_answered_at_once(ask: Ask) -> None:
    answer, _, llm = ask(speaking(anew="SnowNet has an error of 2.5 [1]."), "What error does SnowNet have?")
    assert answer.cited.text == "SnowNet has an error of 2.5 [1]."
    assert answer.cited.citations[0].quote == "SnowNet在高原数据上的误差为2.5厘米。"
    assert all(chat[0].content != TRANSLATE_SYSTEM for chat in llm.chats)


def test_one_language_needs_no_translation(ask: Ask) -> None:
    answer, _, llm = ask(speaking(anew=READ), "What FID does Muse reach on CC3M?")
    assert answer.cited.text == READ
    assert len(llm.chats) == 1


def test_a_model_that_no_grammar_holds_answers_at_once(ask: Ask) -> None:
    answer, _, llm = ask(speaking(anew="Muse在CC3M上的FID为6.06[1]。"), grammar=False)
    assert answer.cited.text == "Muse在CC3M上的FID为6.06 [1]。"
    assert len(llm.chats) == 1


def test_what_was_said_in_the_question_s_language_already_is_not_translated(ask: Ask) -> None:
    answer, _, llm = ask(speaking(read="Muse在CC3M上的FID为6.06[1]。"))
    assert answer.cited.text == "Muse在CC3M上的FID为6.06 [1]。"
    assert len(llm.chats) == 2


def test_a_number_that_was_left_out_has_to_be_said(ask: Ask) -> None:
    answer, _, llm = ask(speaking("Muse在CC3M上的FID很低。", SAID))
    assert answer.cited.text == "Muse在CC3M上的FID为6.06 [1]。"
    first, second = (chat[-1].content for chat in llm.chats[-2:])
    assert second == f"{first}\n译文包含:6.06"


@pytest.mark.parametrize(
    "said",
    [
        ["Muse在CC3M上的FID很低。", "Muse在CC3M上的FID很高。"],  # loses the number twice
        ["Muse在CC3M上的FID为6.06"],  # cut at its longest
        ["Muse在CC3M上的FID很低。", "Muse在CC3M上的FID为6.06(译文包含6.06)。"],
        ["Muse在CC3M上的FID为6.06，快了9.5倍。"],  # adds a number
    ],
)
def test_what_cannot_be_translated_is_read_anew_in_the_question_s_language(ask: Ask, said: list[str]) -> None:
    answer, shown, llm = ask(speaking(*said, anew="它的FID为6.06[1]。"))
    assert answer.cited.text == "".join(shown) == "它的FID为6.06 [1]。"
    assert llm.chats[-1][-1].content.endswith(REMINDERS["zh"])


def test_a_translation_that_only_repeats_the_question_is_none(ask: Ask) -> None:
    script = speaking(
        "CC3M: Muse FID多少。", read="The FID of Muse on CC3M is low [1].", anew="它的FID为6.06 [1]。"
    )
    assert ask(script)[0].cited.text == "它的FID为6.06 [1]。"


def test_a_refusal_is_not_translated(ask: Ask) -> None:
    for script, chats in ((speaking(read="NOT FOUND"), 2), (speaking(anew="NOT FOUND"), 1)):
        answer, shown, llm = ask(
            lambda messages, script=script: (
                script(messages) if "Muse is" in messages[-1].content else "NOT FOUND"
            )
        )
        assert answer.refused
        assert not answer.given_up
        assert not shown
        assert sum("Muse is" in chat[-1].content for chat in llm.chats) == chats


@pytest.mark.parametrize(("first", "later", "refused"), [(-8.0, 3.0, False), (3.0, -8.0, True)])
def test_how_likely_the_first_reply_was_a_refusal_decides(
    ask: Ask, first: float, later: float, refused: bool
) -> None:
    """Abstention is fitted on first replies."""
    odds = {REMINDERS["zh"]: first, READ_IN_ENGLISH: later}

    def tokens(messages: Sequence[Message]) -> list[tuple[str, float]]:
        share = 1 / (1 + math.exp(-odds[messages[-1].content.rsplit("\n", 1)[-1]]))
        return [("NOT", math.log(share)), ("Muse", math.log1p(-share))]

    answer, _, _ = ask(speaking(SAID), first_tokens=tokens)
    assert answer.refused == refused


def test_a_sentence_that_cannot_be_translated_is_left_out(ask: Ask) -> None:
    answer, _, _ = ask(speaking("它的FID很低。", "它的FID很高。", "它有900M个参数。", read=READ_TWICE))
    assert answer.cited.text == "它有900M个参数[1]。"


def test_sentences_are_shown_as_they_are_translated(ask: Ask) -> None:
    answer, shown, _ = ask(speaking(SAID, "它有900M个参数。", read=READ_TWICE))
    assert shown == ["Muse在CC3M上的FID为6.06 [1]。", "它有900M个参数[1]。"]
    assert answer.cited.text == "".join(shown)


def test_each_of_several_abstracts_is_answered_from_at_once(ask: Ask) -> None:
    answer, _, llm = ask(
        lambda messages: "Muse在CC3M上的FID为6.06[1]。", "哪些论文报告了SnowNet的误差或Muse的FID?"
    )
    assert answer.cited.text == "Muse在CC3M上的FID为6.06 [1]。"
    assert all(chat[-1].content.endswith(REMINDERS["zh"]) for chat in llm.chats)


# --- what is lost, and what a grammar leaves


@pytest.mark.parametrize(
    ("sentence", "said", "expected"),
    [
        ("LiDAR raises it from 30% to 50%.", "提高到50%。", ["LiDAR", "30%"]),
        ("It links to FoodOn and SNOMED-CT.", "它链接到FoodOn。", ["SNOMED-CT"]),
        ("It has 11 million frames.", "它有1100万帧。", []),
        ("It gathers over 10k runs.", "它收集了超过10000次。", []),
        ("Four large language models (LLMs) do.", "四个大语言模型可以。", []),
    ],
)
def test_names_and_numbers_in_digits_may_not_be_lost(sentence: str, said: str, expected: list[str]) -> None:
    assert lost("SnowNet?", sentence, said) == expected


def test_what_the_question_says_need_not_be_said_again() -> None:
    assert lost("FoodSEM用了30%吗?", "FoodSEM uses 30%.", "是的。") == []


def literals(grammar: str, rule: str) -> set[str]:
    line = next(line for line in grammar.splitlines() if line.startswith(f"{rule} ::= "))
    return {json.loads(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"', line)}


def test_a_translation_may_hold_the_words_and_numbers_of_the_sentence_and_the_question_alone() -> None:
    grammar = translation_grammar("LeafNet-2用了多少?", "It uses 1,200 GPUs, 11 million runs (ResNet-50).")
    words = literals(grammar, "word")
    assert {"LeafNet-2", "1,200", "1200", "GPUs", "ResNet-50", "1100万", "11 million"} <= words
    assert not {"2", "50", "200", "11"} & words


@given(st.text(max_size=80), st.text(max_size=80))
def test_every_sentence_makes_a_grammar_that_names_no_rule_it_lacks(question: str, sentence: str) -> None:
    grammar = translation_grammar(question, sentence)
    rules = dict(line.split(" ::= ", 1) for line in grammar.removesuffix("\n").split("\n"))
    plain = (re.sub(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]', " ", rule) for rule in rules.values())
    assert {name for rule in plain for name in re.findall("[a-z]+", rule)} <= set(rules)


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_said_again_loses_nothing(question: str, sentence: str) -> None:
    assert lost(question, sentence, sentence) == []


def test_a_sentence_that_is_lost_twice_is_not_asked_for_again() -> None:
    llm = ScriptedLLM(lambda messages: "它很低。")
    assert translate(llm, MUSE, "It is 6.06.") is None
    assert len(llm.chats) == 2
