"""A translation of a quotation waits in the line before the model, as a question does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.fake_rag import FakeRAG, answer, citation, context, script_of
from ui.chat.translating import translator
from ui.chat.turn import Turn
from ui.line import Line
from ui.page import Event

QUOTE = "猫头鹰喜欢蓝灯。"
OWLS = context(QUOTE, language="zh")
TURN = Turn("Why?").after(answer("Why?", "Owls like blue [1].", [OWLS], [citation(1, OWLS, QUOTE)]))
EVENT = Event("reader", {"turn": 1, "source": 1}, {})


def made() -> tuple[FakeRAG, Line, Any]:
    rag, line = FakeRAG(script_of("", []), translations={QUOTE: "Owls like blue lamps."}), Line()
    page: Any = SimpleNamespace(library=rag, line=line)
    return rag, line, translator(page)


def test_it_waits_for_its_turn_and_says_so() -> None:
    rag, line, translate = made()
    before = line.ticket("another")
    assert before.wait()

    async def steps() -> list[str]:
        shown: list[str] = []
        async for patch in translate(EVENT, (TURN,)):
            shown += patch.values()
            if "You are next" in shown[-1]:
                assert rag.translated == []
                before.leave()
        return shown

    shown = asyncio.run(asyncio.wait_for(steps(), 10))
    assert any("You are next" in step for step in shown)
    assert "Owls like blue lamps." in shown[-1]
    assert line.ticket("another").wait(), "the end of a translation gives the turn up"


def test_who_leaves_gives_the_place_up() -> None:
    rag, line, translate = made()
    before, after = line.ticket("another"), line.ticket("later")
    assert before.wait()

    async def leave() -> None:
        steps = translate(EVENT, (TURN,))
        async for patch in steps:
            if "You are next" in "".join(patch.values()):
                break
        await steps.aclose()

    asyncio.run(asyncio.wait_for(leave(), 10))
    before.leave()
    assert after.wait()
    assert rag.translated == []
