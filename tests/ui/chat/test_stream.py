"""The bridge from a blocking stream to the page: nothing lost, nothing waited for."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

import pytest

from rag import LLMResponseError, SourcesEvent, TextEvent
from tests.fake_rag import FakeRAG, Gate, context, script_of
from ui.chat.labels import BROKE_OFF
from ui.chat.stream import follow
from ui.chat.turn import Turn
from ui.words import Label

FOUND = context("Muse reaches 6.06.")


def turns(rag: FakeRAG, question: str = "q") -> list[Turn]:
    async def collect() -> list[Turn]:
        return [turn async for turn in follow(rag, question, (("before", "answer"),))]

    return asyncio.run(collect())


def test_the_question_is_shown_before_anything_is_asked() -> None:
    rag = FakeRAG(script_of("It is 6.06.", [FOUND]))
    shown = turns(rag)
    assert shown[0] == Turn("q")
    assert shown[-1].answer is not None
    assert shown[-1].text == "It is 6.06."
    assert rag.asked == [("q", (("before", "answer"),))]


def test_words_that_pile_up_arrive_together_and_complete() -> None:
    words = [TextEvent(f"{i} ") for i in range(2000)]
    rag = FakeRAG(lambda question, past: [SourcesEvent((FOUND,), "en"), *words, LLMResponseError("cut")])
    shown = turns(rag)
    assert shown[-1].text == "".join(word.delta for word in words)
    assert shown[-1].error == Label("cut")
    assert [turn.text for turn in shown] == sorted((turn.text for turn in shown), key=len)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_ends_the_turn_with_a_sentence() -> None:
    def script(question: str, past: object) -> list[TextEvent]:
        raise ZeroDivisionError

    shown = turns(FakeRAG(script))
    for thread in threading.enumerate():
        if thread.name == "question":
            thread.join(timeout=5)  # its exception is reported to this test, not to the next
    assert shown[-1].error == BROKE_OFF


def test_leaving_ends_a_stream_that_waits_for_the_model() -> None:
    gate = Gate()
    rag = FakeRAG(script_of("It is 6.06.", [FOUND], before_text=[gate]))

    async def leave() -> None:
        async with aclosing(follow(rag, "q", ())) as steps:
            async for _ in steps:
                if gate.reached.is_set():
                    break

    asyncio.run(asyncio.wait_for(leave(), timeout=5))
    assert gate.reached.is_set()
    assert rag.closed.wait(timeout=1)
