"""The shipped judge on texts that nobody trained on: each kind of error, in and across both languages."""

from __future__ import annotations

import pytest

from rag.judge.judge import Judge

pytestmark = pytest.mark.models

ENGLISH = (
    "Traffic noise was measured at 40 hives near motorways. Bees near roads made 30 percent fewer visits to flowers. "
    "Honey yield did not change. Two thirds of the hives were in Bavaria."
)
CHINESE = "在高速公路附近的40个蜂箱处测量了交通噪声。道路附近的蜜蜂访花次数减少了30%。蜂蜜产量没有变化。三分之二的蜂箱位于巴伐利亚。"


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.default()


@pytest.mark.parametrize("abstract", [ENGLISH, CHINESE], ids=["en", "zh"])
@pytest.mark.parametrize(
    ("said", "turned"),
    [
        (
            "Bees near roads made 30 percent fewer visits to flowers.",
            "Bees near roads made 40 percent fewer visits to flowers.",
        ),
        ("道路附近的蜜蜂访花次数减少了30%。", "道路附近的蜜蜂访花次数增加了30%。"),
        ("Honey yield did not change.", "Honey yield changed."),
        ("在40个蜂箱处测量了交通噪声。", "在30个蜂箱处测量了交通噪声。"),
    ],
)
def test_what_is_said_is_supported_more_than_its_opposite(
    judge: Judge, abstract: str, said: str, turned: str
) -> None:
    true, false = judge.support(abstract, said), judge.support(abstract, turned)
    assert true.supported > false.supported + 0.1


@pytest.mark.parametrize("abstract", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_an_abstract_answers_its_own_questions(judge: Judge, abstract: str) -> None:
    for question in ("By how much did visits to flowers fall near roads?", "测量了多少个蜂箱？"):
        other = "The snow depth model has an error of 2.5 centimetres on the plateau."
        own, foreign = judge.each_answers([abstract, other], question)
        assert own > foreign + 0.1, question
