"""Follow-ups rewritten by a scripted model, and what is not believed of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.generation.messages import abstract_prompt_prefix
from rag.answering.rewriting import broken_rule, grammar_for, rewrite_messages, rewrite_prefix, standalone
from rag.llm.base import Message
from rag.pipeline import RAG
from rag.schema import SourcesEvent
from tests.conftest import ScriptedLLM

OpenRag = Callable[..., RAG]
MUSE = [("What FID does Muse reach on CC3M?", "Muse reaches an FID of 6.06 on CC3M [1].")]
SNOW = [("SnowNet的误差是多少？", "SnowNet在高原数据上的误差为2.5厘米[1]。")]


@pytest.mark.parametrize(
    ("question", "history", "reply"),
    [
        ("And how many parameters does it have?", MUSE, "How many parameters does Muse have?"),
        ("那它在平原上呢？", SNOW, "SnowNet在平原上的误差是多少？"),
        ("and on CIFAR-10?", MUSE, "What FID does Muse reach on CIFAR-10?"),
    ],
)
def test_a_follow_up_becomes_a_full_question(
    question: str, history: list[tuple[str, str]], reply: str
) -> None:
    llm = ScriptedLLM(lambda messages: f" {reply}\nQ: more")
    assert standalone(llm, question, history) == reply
    assert llm.grammars == [None]
    llm.supports_grammar = True
    assert standalone(llm, question, history) == reply
    assert llm.grammars == [None, grammar_for(question)]


def test_every_rewriting_begins_alike_and_shows_the_last_turns_alone() -> None:
    messages = rewrite_messages("And how low?", MUSE * 5)
    assert messages[:-1] == rewrite_messages("那误差呢？", SNOW)[:-1] == rewrite_prefix()
    start = messages[-1].content
    assert start.count("Question: What FID") == 2
    assert "[1]" not in start
    long = rewrite_messages("And?", [("Why?", "word " * 5000)])[-1].content
    assert len(long) < 2000


def test_the_model_is_not_asked_about_a_first_or_a_full_question() -> None:
    llm = ScriptedLLM(lambda messages: "?")
    assert standalone(llm, "And how low?", []) is None
    assert standalone(llm, "How many hives does the honey bee study count?", MUSE) is None
    assert llm.chats == []


@pytest.mark.parametrize(
    ("rewritten", "rule"),
    [
        ("", "is one question"),
        ("What FID does Muse reach on CIFAR-10", "is one question"),
        ("What FID does Muse reach? And on CIFAR-10?", "is one question"),
        ("Muse on CIFAR-10?", "asks something"),
        ("那么在CIFAR-10上Muse的FID是多少？", "keeps the language"),
        ("Why does Muse reach this FID on CIFAR-10?", "keeps why"),
        ("What FID does Muse reach on ImageNet?", "keeps the names"),
        ("What FID does Muse reach on CIFAR-10 with T5-XXL?", "invents no name"),
        ("What FID does Muse reach on CIFAR-10 after ten epochs?", "invents no number"),
        (
            "Is an FID of 6.06 reached by Muse on CIFAR-10?",
            "invents no number",
        ),  # the answer's, put to another
        ("What is the result on CIFAR-10?", "takes from before"),
        ("What does it reach on CIFAR-10 and CC3M?", "can be understood alone"),
        ("What FID does Muse reach on CIFAR-10?", None),
    ],
)
def test_a_rewriting_is_discarded_for_a_reason_with_a_name(rewritten: str, rule: str | None) -> None:
    assert broken_rule(rewritten, "and on CIFAR-10?", MUSE) == rule
    found = standalone(ScriptedLLM(lambda messages: rewritten), "and on CIFAR-10?", MUSE)
    assert found == (None if rule else rewritten)


@pytest.mark.parametrize(
    ("question", "history", "rewritten", "rule"),
    [
        ("Does it need memory?", MUSE, "Does Muse need much memory?", None),
        ("Does it need memory?", MUSE, "What FID does Muse reach on CC3M?", "keeps the words"),
        ("What does it reach?", MUSE, "What FID does Muse reach on CC3M?", "is a new question"),
        ("Why?", MUSE, "Why does Muse reach an FID of 6.06 on CC3M?", None),
        ("Why?", MUSE, "What FID does Muse reach on CC3M?", "keeps why"),
        ("那参数量呢？", SNOW, "SnowNet的参数量是多少？", None),
        ("那参数量呢？", SNOW, "SnowNet在高原数据上的误差是多少？", "keeps the words"),
        ("那参数量呢？", SNOW, "SnowNet的参数量", "is one question"),
        ("那参数量呢？", SNOW, "SnowNet的参数量？", "asks something"),
        ("那参数量呢？", SNOW, "LeafNet的参数量是多少？", "invents no name"),
        ("那在平原上呢？", SNOW, "SnowNet在平原上的误差是2.5厘米吗？", "invents no number"),
        ("为什么？", SNOW, "为什么SnowNet的误差为2.5厘米？", None),
    ],
)
def test_a_rewriting_says_what_was_asked_now(
    question: str, history: list[tuple[str, str]], rewritten: str, rule: str | None
) -> None:
    assert broken_rule(rewritten, question, history) == rule


def test_a_discarded_rewriting_leaves_its_reason_in_the_log_and_no_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("DEBUG", logger="rag.answering.rewriting"):
        standalone(ScriptedLLM(lambda messages: "What is ImageNet?"), "and on CIFAR-10?", MUSE)
    [line] = caplog.messages
    assert "keeps the names" in line
    assert not any(word in line for word in ("ImageNet", "CIFAR", "Muse"))


@given(st.text(max_size=200))
def test_no_reply_of_the_model_is_an_error_or_more_than_a_line(reply: str) -> None:
    found = standalone(ScriptedLLM(lambda messages: reply), "And how low?", MUSE)
    assert found is None or ("\n" not in found and broken_rule(found, "And how low?", MUSE) is None)


def _script(messages: Sequence[Message]) -> str:
    return (
        "What FID does Muse reach on CC3M?" if "Full question" in messages[-1].content else "It is 6.06 [1]."
    )


def test_the_question_as_read_is_searched_asked_and_shown(open_rag: OpenRag) -> None:
    rag = open_rag(_script, top_k=1)
    history = [("Which model is small?", "Muse is, at an FID of 6.06 on CC3M [1]."), ("Why?", "No.")]
    events = list(rag.ask("What does it reach?", history, stream=True))
    [sources] = [event for event in events if isinstance(event, SourcesEvent)]
    assert sources.standalone_question == "What FID does Muse reach on CC3M?"
    answer = events[-1]
    assert answer.question == "What does it reach?"
    assert answer.to_dict()["standalone_question"] == sources.standalone_question
    assert "Muse" in answer.contexts[0].paper.text
    assert isinstance(rag.llm, ScriptedLLM)
    asked = rag.llm.chats[-1]
    assert "What FID does Muse reach" in asked[-1].content
    assert len(asked) == len(abstract_prompt_prefix()) + 1


def test_a_full_question_after_another_is_asked_as_the_first_one_would_be(open_rag: OpenRag) -> None:
    rag = open_rag()
    answer = rag.ask("How many hives of honey bees were counted?", MUSE)
    assert answer.standalone_question is None
    first = rag.ask("How many hives of honey bees were counted?")
    assert first.contexts == answer.contexts
    assert isinstance(rag.llm, ScriptedLLM)
    assert rag.llm.chats[0] == rag.llm.chats[1]


def test_a_rewriting_that_is_not_believed_leaves_the_question_and_the_history(open_rag: OpenRag) -> None:
    rag = open_rag()  # says "It is 6.06 [1]." to everything
    answer = rag.ask("And how low?", MUSE)
    assert answer.standalone_question is None
    assert isinstance(rag.llm, ScriptedLLM)
    earlier, answered = rag.llm.chats[-1][-3:-1]
    assert f"Question: {MUSE[0][0]}\n" in earlier.content
    assert answered.content == MUSE[0][1]


@pytest.mark.llm
def test_the_default_model_rewrites_follow_ups_in_both_languages() -> None:
    from rag.factory import configured_llm
    from rag.settings import load_settings

    llm = configured_llm(load_settings())
    try:
        english = [("How many parameters does GlacierNet have?", "GlacierNet has 3.4M parameters [1].")]
        chinese = [("GlacierNet有多少参数？", "GlacierNet有3.4M个参数[1]。")]
        for question, history in (
            ("What accuracy does it reach on IceBench?", english),
            ("那它的准确率呢？", chinese),
        ):
            found = standalone(llm, question, history)
            assert found is not None
            assert "GlacierNet" in found
    finally:
        llm.close()
