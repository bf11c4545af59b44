"""A quotation in the reader's language: whole, or not at all."""

from __future__ import annotations

from rag.answering.generation.quotation import translate_quote
from tests.conftest import ScriptedLLM

QUOTE = "它在高原数据上的误差为2.5厘米。SnowNet的代码已公开。"


def test_each_sentence_is_translated_and_one_in_that_language_stays() -> None:
    said = {"它在高原数据上的误差为2.5厘米。": "Its error on the plateau is 2.5 cm."}
    llm = ScriptedLLM(lambda messages: said[messages[-1].content])
    whole = translate_quote(llm, "它在高原数据上的误差为2.5厘米。It is fast.", "en")
    assert whole == "Its error on the plateau is 2.5 cm. It is fast."


def test_a_lost_number_or_name_is_asked_for_again_and_then_nothing_is_shown() -> None:
    llm = ScriptedLLM(lambda messages: "Its error is small.")
    assert translate_quote(llm, QUOTE, "en") is None
    assert len(llm.chats) == 2
    assert "2.5" in llm.chats[1][-1].content


def test_a_reply_in_the_wrong_language_is_no_translation() -> None:
    assert translate_quote(ScriptedLLM(lambda messages: "它的误差为2.5厘米。"), QUOTE, "en") is None


def test_an_english_quotation_becomes_chinese() -> None:
    llm = ScriptedLLM(lambda messages: "Muse的FID达到6.06。")
    assert (
        translate_quote(llm, "Muse reaches an FID of 6.06.", "zh", "Muse的FID是多少？")
        == "Muse的FID达到6.06。"
    )
