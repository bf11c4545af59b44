"""A question is written to one abstract, in its language, and nobody waits long for the model meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from rag.answering.generation.question_writing import (
    can_ask,
    plain_question,
    take_in,
    write_question,
)
from rag.llm.base import LLM
from rag.llm.llama_cpp.client import EmbeddedLLM
from rag.schema import Paper, Source
from rag.text.language import detect_language
from tests.conftest import ScriptedLLM

TERNS = Paper(
    "terns",
    "In this paper we follow 84 Arctic terns from Svalbard with light loggers. They flew 61,000 km a year on average, "
    "which is 12 percent more than earlier estimates, because most birds wintered further east.",
    "en",
    (Source("a.txt", 1),),
)
TEA = Paper(
    "tea",
    "本文研究武夷岩茶烘焙温度对香气成分的影响。结果表明,烘焙温度为105℃时吲哚含量最高,继续升温则香气减弱。",
    "zh",
    (Source("a.txt", 2),),
)


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        (" “Which gate scores spans in KeepSpan?”\nIt is small.", "Which gate scores spans in KeepSpan?"),
        ("It scores spans.", None),
        ("Which gate scores spans? And which layer?", None),
        ("KeepSpan用什么给片段打分？", None),
        ("What does it reach?", None),
        ("What accuracy does the proposed method reach?", None),
        ("How far did the owls fly in this study?", "How far did the owls fly?"),
        ("", None),
    ],
)
def test_what_counts_as_a_question(reply: str, question: str | None) -> None:
    assert plain_question(reply, "en") == question


@pytest.mark.parametrize("question", ["本文提出了什么准则？", "该研究用了多少样本？"])
def test_a_question_that_points_at_its_abstract_is_none(question: str) -> None:
    assert plain_question(question, "zh") is None
    assert plain_question("What does this study find?", "en") is None
    assert plain_question("茶叶烘焙温度有什么影响？", "zh")


def test_the_model_takes_an_abstract_in_by_small_steps_and_in_its_language() -> None:
    llm = ScriptedLLM(lambda messages: "Which birds fly 61,000 km a year?")
    assert write_question(llm, TERNS) == "Which birds fly 61,000 km a year?"
    asked = [chat[-1].content for chat in llm.chats]
    assert {tuple(chat[:-1]) for chat in llm.chats} == {tuple(llm.chats[0][:-1])}, "the instructions stay"
    assert all(chat[-1].role == "user" for chat in llm.chats)
    own = [text for text in asked if text.startswith("Abstract: In this paper we follow")]
    added = [len(later) - len(earlier) for earlier, later in pairwise(own)]
    assert added
    assert max(added) <= 160
    assert own[-1].endswith("Question in English:")
    assert write_question(llm, TEA) is None, "the reply is in the other language"
    assert llm.chats[-1][-1].content.endswith("中文问题:")


def test_the_instructions_are_taken_in_by_steps_that_the_questions_go_on_from() -> None:
    llm = ScriptedLLM(lambda messages: "Which birds fly 61,000 km a year?")
    take_in(llm)
    taken = list(llm.chats)
    write_question(llm, TERNS)
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(taken))
    assert list(llm.chats[len(taken)][: len(taken[-1])]) == taken[-1]
    assert all(chat[-1].role == "user" for chat in taken)


def test_only_what_is_read_whole_is_asked() -> None:
    assert can_ask(TERNS)
    assert not can_ask(TERNS, 20)


@pytest.fixture(scope="module")
def embedded(gguf: Path) -> Iterator[LLM]:
    llm = EmbeddedLLM(gguf, "qwen")
    yield llm
    llm.close()


@pytest.mark.llm
@pytest.mark.parametrize(("paper", "names"), [(TERNS, ("tern", "Svalbard")), (TEA, ("茶",))])
def test_the_default_model_asks_for_the_subject_by_name(
    embedded: LLM, paper: Paper, names: tuple[str, ...]
) -> None:
    question = write_question(embedded, paper)
    assert question is not None
    assert detect_language(question) == paper.language
    assert any(name in question for name in names), question
