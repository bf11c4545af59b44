"""Turns for tests of conversations: answered, growing, and one that found nothing."""

from __future__ import annotations

from rag import SourcesEvent, TextEvent
from tests.fake_rag import answer, citation, context
from ui.chat.turn import Turn

SNOW = context("We present SnowNet. It predicts snow depth with an error of 2.5 cm.", title="SnowNet")
GLACIER = context("本文提出冰川模型。它在高原数据上的误差为三厘米。", language="zh")


def growing(question: str, text: str = "") -> Turn:
    """Return a turn whose sources are there and whose answer has come as far as `text`."""
    turn = Turn(question).after(SourcesEvent((SNOW, GLACIER), "en"))
    return turn.after(TextEvent(text, (citation(1, SNOW, "an error of 2.5 cm"),))) if text else turn


def answered(question: str, text: str = "The error is 2.5 cm [1].") -> Turn:
    """Return a turn with its whole answer."""
    cited = citation(1, SNOW, "an error of 2.5 cm")
    return growing(question).after(answer(question, text, [SNOW, GLACIER], [cited]))
