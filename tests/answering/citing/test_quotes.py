"""A bare name or number gives way to a quotation of the abstract."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag.answering.answerer import Answerer
from rag.answering.citing.attribution import Attributor, ReplyRules
from rag.answering.citing.citations import cite
from rag.answering.citing.quotes import is_bare
from rag.answering.context import ContextSentences
from rag.answering.generation.streaming import Generated
from rag.embedding.alignment import Alignment
from rag.schema import Chunk, Paper, ScoredChunk, Source
from rag.text.language import detect_language
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

FREQUENCY = "Homozygous CYP2D6*4 frequency was significantly lower in patients than in the control group."
POLAR = "CYP2D6*4 and breast cancer risk: is there any association?"
WHAT = "By how much does the cache lower the cost of reading?"
Ask = Callable[[str, str, str], Generated]


@pytest.fixture
def ask(embedder: HashEmbedder) -> Ask:
    def ask_(question: str, said: str, text: str) -> Generated:
        paper = Paper("p1", text, detect_language(text), (Source("a", 1),))
        context = ScoredChunk(paper, Chunk("p1-0", "p1", text, 0, len(text), paper.language), 1.0)
        responder = Answerer(ScriptedLLM(lambda _: said), embedder, Alignment(), NumberVerifier(), 200)
        *_, end = responder.answer(question, detect_language(question), [context])
        assert isinstance(end, Generated)
        return end

    return ask_


@pytest.mark.parametrize(
    ("question", "sentence", "bare"),
    [
        (WHAT, "By 16 %.", True),
        (WHAT, "The cache lowers it by 16 %.", False),
        ("北岭茶厂的新任厂长是谁？", "沈若溪", True),
        (
            "2031年灯塔节时间？",
            "2031年灯塔节时间是从2031年3月4日（农历二月十二）开始，到2031年4月9日（三月十八）结束。",
            False,
        ),
        ("北岭茶厂的新任厂长是谁？", "北岭茶厂的新任厂长是沈若溪。", False),
    ],
)
def test_a_name_or_a_number_alone_is_bare(question: str, sentence: str, bare: bool) -> None:
    assert is_bare(sentence, question) is bare


def test_a_number_alone_gives_way_to_the_sentence_that_says_what_it_is_of(ask: Ask) -> None:
    first, telling = "We use 16 % of the data.", "The cache lowers the cost of reading by 16 %."
    (sentence,) = ask(WHAT, "16 %", f"{first} {telling}").cited.sentences
    assert (sentence.text, sentence.support, sentence.score) == (f"“{telling}”", "supported", 1.0)
    assert [item.quote for item in sentence.evidence] == [telling]


def test_what_follows_a_sentence_may_speak_of_it(ask: Ask) -> None:
    answer = ask(
        WHAT,
        "The cache lowers it by 16 %. It is free.",
        "The cache lowers the cost of reading by 16 %. It is free.",
    )
    assert answer.cited.text == "The cache lowers it by 16 % [1]. It is free [1]."


def test_what_is_quoted_is_cited_behind_its_quotation_marks(ask: Ask) -> None:
    answer = ask(WHAT, "16 %", "The cache lowers the cost of reading by 16 %. It is free.")
    assert answer.cited.text == "“The cache lowers the cost of reading by 16 %.” [1]"
    assert answer.cited.citations[0].quote == "The cache lowers the cost of reading by 16 %."


def test_brackets_with_numbers_stay_and_are_no_markers(ask: Ask) -> None:
    answer = ask("What was the delay?", "45", "The delay was 45 [32, 57] days.")
    assert answer.cited.text == "“The delay was 45 (32, 57) days.” [1]"


def test_what_is_quoted_already_counts_towards_the_end_of_the_reply(embedder: HashEmbedder) -> None:
    text = "Bees near roads were slower than the others."
    paper = Paper("p1", text, "en", (Source("a", 1),))
    context = ScoredChunk(paper, Chunk("p1-0", "p1", text, 0, len(text), "en"), 1.0)
    attributor = Attributor(
        ContextSentences([context], embedder, Alignment()),
        NumberVerifier(),
        POLAR,
        ReplyRules(prefer_quotes=True),
    )
    found = cite("Bees were slower. The bees were slower. Bees near roads were.", [context], attributor)
    assert (len(found.sentences), found.dropped, found.read) == (1, (), 3)


def test_across_languages_nothing_is_quoted_in_place_of_a_sentence(ask: Ask) -> None:
    answer = ask("缓存能降低多少开销？", "16%", "The cache lowers the cost of reading by 16 %.")
    assert answer.cited.text == "16% [1]"
