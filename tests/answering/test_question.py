"""Questions over several abstracts are recognised, and put to the model once for each abstract."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import pytest

from rag.answering.question import is_multi_document
from rag.llm.base import Message
from rag.pipeline import RAG
from rag.schema import SourcesEvent, TextEvent
from tests.conftest import ROOT, ScriptedLLM

SEVERAL = [
    "Which papers study backdoor attacks, and what does each attack?",
    "What methods speed up attention?",
    "What do the papers on bees find?",
    "Compare LeafNet and WindDiff.",
    "How do LeafNet and WindDiff differ?",
    "What is the difference between pruning and distillation here?",
    "哪些论文研究后门攻击?各自攻击什么?",
    "有哪些方法可以加速注意力?",
    "比较LeafNet与WindDiff的参数量。",
    "LeafNet和WindDiff有什么区别?",
    "Do LeafNet and WindDiff both use attention?",
]
ONE = [
    "What FID does Muse reach on CC3M?",
    "How many parameters does LeafNet have?",
    "What lets convolutional networks keep up with transformers where data is scarce?",
    "Which optimizer was used to train LeafNet?",
    "Compared with numerical simulation, how much faster is WindDiff?",
    "与数值模拟相比,WindDiff快多少?",
    "LeafNet有多少参数?",
    "Is a gap between KLR and VBT readings foreseeable in seedlings?",
    "",
]


@pytest.mark.parametrize("question", SEVERAL)
def test_several_abstracts_are_asked_for(question: str) -> None:
    assert is_multi_document(question)


@pytest.mark.parametrize("question", ONE)
def test_one_abstract_is_asked_for(question: str) -> None:
    assert not is_multi_document(question)


def test_the_development_questions_are_told_apart() -> None:
    for name, several in (("dev_several", True), ("dev_questions", False)):
        lines = (ROOT / "benchmarks" / "data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        asked = [json.loads(line)["question"] for line in lines]
        right = sum(is_multi_document(question) == several for question in asked)
        assert right >= 0.9 * len(asked)


ASKED = "Which papers reach FID with CC3M parameters or noise lowers foraging?"


def script(messages: Sequence[Message]) -> str:
    """Say what the one abstract in the chat says."""
    last = messages[-1].content
    assert last.startswith("Abstract: ")
    if "6.06" in last:
        return "Muse reaches an FID of 6.06 on CC3M [1]"
    return "Traffic noise lowers foraging by 30 percent [1]." if "30 percent" in last else "NOT FOUND"


def test_each_abstract_is_asked_by_itself_and_cited_under_its_own_number(
    open_rag: Callable[..., RAG],
) -> None:
    rag = open_rag(script)
    events = list(rag.ask(ASKED, stream=True))
    answer = events[-1]
    assert isinstance(rag.llm, ScriptedLLM)
    assert len(rag.llm.chats) == len({chat[-1].content for chat in rag.llm.chats}) > 1
    assert (
        answer.answer
        == "Muse reaches an FID of 6.06 on CC3M [1].\n\nTraffic noise lowers foraging by 30 percent [2]."
    )
    assert ["6.06" in citation.text for citation in answer.citations] == [True, False]
    assert any(isinstance(event, SourcesEvent) for event in events)
    assert "".join(event.delta for event in events if isinstance(event, TextEvent)) == answer.answer


def test_several_abstracts_that_do_not_answer_are_a_refusal(open_rag: Callable[..., RAG]) -> None:
    answer = open_rag("NOT FOUND").ask("Which papers report FID on CC3M or noise and foraging percent?")
    assert answer.refused
    assert answer.citations == ()


def test_what_two_abstracts_say_in_the_same_words_is_said_once(open_rag: Callable[..., RAG]) -> None:
    rag = open_rag("Something is measured.")
    answer = rag.ask(ASKED)
    assert isinstance(rag.llm, ScriptedLLM)
    assert len(rag.llm.chats) > 1
    assert answer.answer == "Something is measured [1]."


def test_what_is_dropped_about_one_abstract_may_be_said_of_the_next(open_rag: Callable[..., RAG]) -> None:
    for text in ("It is 30 percent.", "It is 6.06."):
        rag = open_rag(text)
        assert rag.ask(ASKED).answer == f"{text[:-1]} [1]."
        assert isinstance(rag.llm, ScriptedLLM)
        assert len(rag.llm.chats) == len({chat[-1].content for chat in rag.llm.chats}), "asked once each"


def test_of_each_abstract_two_sentences_are_told_in_a_paragraph(open_rag: Callable[..., RAG]) -> None:
    def script(messages: Sequence[Message]) -> str:
        which = "Muse" if "Muse" in messages[-1].content else "Bees"
        return f"{which} come first. {which} come second. {which} come third."

    answer = open_rag(script).ask(ASKED)
    paragraphs = answer.answer.split("\n\n")
    assert sorted(re.sub(r"\d", "n", paragraph) for paragraph in paragraphs) == [
        "Bees come first [n]. Bees come second [n].",
        "Muse come first [n]. Muse come second [n].",
    ]
