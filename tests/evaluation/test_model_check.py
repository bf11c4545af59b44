"""What `rag models test` finds of models that follow the form, and of those that do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rag.evaluation.model_check import check_model
from rag.llm.base import Message
from tests.conftest import ScriptedLLM

GOOD = {
    "What share of the corroded points": "Saltfinch found 91% of the corroded points [2].",
    "Quillmoth把用水量": "Quillmoth把用水量降低了27% [1]。",
    "How many nurses": "NOT FOUND",
}
FORM = [
    ("answers from the Chinese abstract", "cites it", "in the language of the question"),
    ("answers from the English abstract", "cites it", "in the language of the question"),
    ("refuses what the abstracts do not state",),
]


def replying(replies: dict[str, str]) -> Callable[[Sequence[Message]], str]:
    def script(messages: Sequence[Message]) -> str:
        asked = messages[-1].content
        return next((reply for begin, reply in replies.items() if begin in asked), "Both are retold. " * 9)

    return script


def failed(**changes: str) -> list[str]:
    replies = {
        begin: changes.get(name, good) for (begin, good), name in zip(GOOD.items(), "abc", strict=True)
    }
    return [step.what for step in check_model(ScriptedLLM(replying(replies))).steps if not step.passed]


def test_a_model_that_follows_the_form_passes_every_step() -> None:
    check = check_model(ScriptedLLM(replying(GOOD)))
    assert [step.what for step in check.steps] == [what for group in FORM for what in group]
    assert all(step.passed for step in check.steps)
    assert check.prefill > 0
    assert check.decode > 0


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"a": "Saltfinch found 89% of the corroded points [2]."}, ["answers from the Chinese abstract"]),
        ({"a": "Saltfinch found 91% of the corroded points."}, ["cites it"]),
        ({"a": "Saltfinch found 91% of the corroded points [1]."}, ["cites it"]),
        ({"a": "Saltfinch找到了91%的腐蚀点 [2]。"}, ["in the language of the question"]),
        ({"b": "It lowered the water use by 27% [1]."}, ["in the language of the question"]),
        ({"c": "The survey had 300 nurses [1]."}, ["refuses what the abstracts do not state"]),
    ],
)
def test_what_a_model_does_not_do_is_named(changes: dict[str, str], what: list[str]) -> None:
    assert failed(**changes) == what


def test_a_model_that_says_nothing_fails_and_has_no_speed_of_writing() -> None:
    check = check_model(ScriptedLLM(lambda messages: ""))
    assert not any(
        step.passed for step in check.steps if step.what.startswith(("answers", "cites", "refuses"))
    )
    assert check.decode == 0
