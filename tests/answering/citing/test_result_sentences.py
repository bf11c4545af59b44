"""Asked for yes or no, an answer says what an abstract found where a model says no more than yes or no."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rag.answering.answerer import Answerer
from rag.answering.citing.result_sentences import only_asks, result_sentences, states_result
from rag.answering.generation.prompts import FOUND
from rag.answering.generation.streaming import Generated
from rag.embedding.alignment import Alignment
from rag.llm.base import Message
from rag.schema import Chunk, Paper, ScoredChunk, Source
from rag.text.language import detect_language
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

AIM = "We studied whether noise lowers foraging."
DONE = "Bees at 12 hives were counted."
FOUND_IT = "Bees near roads were significantly slower than others."
QUESTION = "Does noise lower foraging of bees?"
Ask = Callable[..., tuple[Generated, ScriptedLLM]]


@pytest.fixture
def ask(embedder: HashEmbedder) -> Ask:
    def ask_(
        said: str, text: str = f"{AIM} {DONE} {FOUND_IT}", question: str = QUESTION, found: str = FOUND_IT
    ) -> tuple[Generated, ScriptedLLM]:
        def script(messages: Sequence[Message]) -> str:
            last = messages[-1].content
            return found if any(asked in last for asked in FOUND.values()) else said

        paper = Paper("p1", text, detect_language(text), (Source("a", 1),))
        context = ScoredChunk(paper, Chunk("p1-0", "p1", text, 0, len(text), paper.language), 1.0)
        llm = ScriptedLLM(script)
        llm.supports_grammar = True
        responder = Answerer(llm, embedder, Alignment(), NumberVerifier(), 200)
        *_, end = responder.answer(question, detect_language(question), [context])
        assert isinstance(end, Generated)
        return end, llm

    return ask_


def test_a_yes_gives_way_to_what_was_found(ask: Ask) -> None:
    answer, llm = ask("Yes, noise lowers foraging of bees.")
    assert answer.cited.text == f"“{FOUND_IT}” [1]"
    assert answer.cited.citations[0].quote == FOUND_IT
    assert len(llm.chats) == 1


def test_across_languages_the_model_tells_what_was_found(ask: Ask) -> None:
    answer, llm = ask(
        "是的,噪声会降低蜜蜂的觅食。", question="噪声会降低蜜蜂的觅食吗？", found="路边的蜜蜂明显更慢。"
    )
    assert answer.cited.text == "路边的蜜蜂明显更慢[1]。"
    *_, finding = llm.chats
    assert FOUND_IT in finding[-1].content
    assert AIM not in finding[-1].content


def test_of_an_answer_that_says_more_than_yes_the_evidence_is_quoted(ask: Ask) -> None:
    answer, llm = ask(
        "Yes, bees near roads were slower.", f"{FOUND_IT} {AIM} Birds were significantly louder."
    )
    assert answer.cited.text == f"“{FOUND_IT}” [1]"
    assert len(llm.chats) == 1


def test_a_yes_to_what_no_result_tells_is_a_refusal(ask: Ask) -> None:
    answer, llm = ask("Yes, noise lowers foraging of bees.", f"{DONE} {AIM}")
    assert answer.refused
    assert len(llm.chats) == 1


@pytest.mark.parametrize(
    "text", [f"{AIM} Noise lowers foraging of bees.", f"Noise lowers foraging of bees. {DONE} {FOUND_IT}"]
)
def test_what_says_yes_in_its_words_is_quoted(ask: Ask, text: str) -> None:
    answer, llm = ask("Yes, noise lowers foraging of bees.", text)
    assert answer.cited.text == "“Noise lowers foraging of bees.” [1]"
    assert answer.cited.citations[0].quote == "Noise lowers foraging of bees."
    assert len(llm.chats) == 1


def test_what_the_abstract_only_asks_is_no_evidence(ask: Ask) -> None:
    said = "Yes, bees at loud hives bring less pollen."
    answer, _ = ask(said, "Do bees at loud hives bring less pollen. We counted bees.")
    assert answer.refused or answer.cited.citations[0].quote == "We counted bees."


def test_what_is_found_is_held_against_the_abstract_too(ask: Ask) -> None:
    answer, _ = ask("是的,噪声会降低蜜蜂的觅食。", question="噪声会降低蜜蜂的觅食吗？", found="蜜蜂慢了7倍。")
    assert answer.refused
    assert any("慢了7倍" in text for text in answer.cited.dropped)


def test_other_questions_are_answered_as_they_are(ask: Ask) -> None:
    answer, llm = ask("Bees near roads.", question="Which bees were significantly slower?")
    assert answer.cited.text == "Bees near roads [1]."
    assert len(llm.chats) == 1


def test_it_does_in_chinese_too(ask: Ask) -> None:
    text = "我们旨在研究噪声是否会降低觅食。我们统计了蜂箱。结果表明，路边的蜜蜂显著更慢。"
    answer, _ = ask("是的,噪声会降低觅食。", text, "噪声会降低觅食吗？")
    assert answer.cited.text == "“结果表明，路边的蜜蜂显著更慢。”[1]"


def test_results_are_told_from_aims_and_methods_the_nearest_and_late_first() -> None:
    texts = [
        "To determine whether dose matters.",
        "The incidence was 12% before.",
        "Forty patients were enrolled.",
        "Pain was lower with the drug (p<0.01).",
        "No difference in sleep was observed.",
        "Is it safe?",
    ]
    assert result_sentences(texts, [0.9, 0.5, 0.9, 0.5, 0.5, 0.9]) == [3, 4]
    assert result_sentences(texts, [0.9, 0.8, 0.9, 0.5, 0.5, 0.9]) == [1, 4]
    assert result_sentences(texts, [0.9, 0.3, 0.9, 0.5, 0.1, 0.9]) == [3], "the second is worth too little"
    assert result_sentences(texts[:1], [0.9]) == []
    assert result_sentences([texts[2], *texts[:1], texts[5]], [0.9, 0.9, 0.9]) == []
    assert result_sentences(["Four of 90 patients harboured it."], [0.8]) == [0]
    plain = ["We looked at bees.", "Bees were counted.", "Four of 90 bees danced.", "Is it safe?"]
    assert result_sentences(plain, [0.9, 0.9, 0.5, 0.9]) == [2]
    assert result_sentences([], []) == []


@pytest.mark.parametrize(
    ("sentence", "result", "asks"),
    [
        ("Pain was lower (p<0.01).", True, False),
        ("To study whether exercise helps.", False, True),
        ("To test whether IIP helps, it was compared to CIP.", False, True),
        ("Is it significantly better?", False, True),
        ("Do polyps have similar receptors.", False, True),
        ("Forty patients were enrolled.", False, False),
        ("We studied whether it helps, and found that it does.", False, False),
        ("To study whether exercise reduces the risk.", False, True),
        ("我们旨在探讨剂量是否会降低疼痛。", False, True),
        ("结果表明疼痛显著减少。", True, False),
    ],
)
def test_results_and_aims_are_told_apart(sentence: str, result: bool, asks: bool) -> None:
    assert (states_result(sentence), only_asks(sentence)) == (result, asks)
