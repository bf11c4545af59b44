"""Tests of what counts as a repetition of the question."""

from __future__ import annotations

import pytest

from rag.answering.citing.repetition import is_bare_yes_no, only_repeats
from rag.answering.question import is_yes_no_question


@pytest.mark.parametrize(
    ("sentence", "question", "repeats"),
    [
        ("LeafNet从两个方向对叶脉图像做了两次描边。", "LeafNet 从哪两个方向对叶脉图像做了两次描边？", True),
        (
            "LeafNet从叶尖和叶柄对叶脉图像做了两次描边。",
            "LeafNet 从哪两个方向对叶脉图像做了两次描边？",
            False,
        ),
        ("为什么噪声降低觅食呢。", "为什么噪声会降低觅食？", True),
        ("The papers study bees.", "Which papers study bees, and what does each find?", True),
        ("The papers study bees at 12 hives.", "Which papers study bees, and what does each find?", False),
        ("Muse is fast.", "", False),
        ("Yes, noise lowers foraging.", "Does noise lower foraging?", False),
        ("不,噪声降低觅食。", "噪声会降低觅食吗？", False),
        ("6.06.", "What FID does Muse reach?", False),
        ("It is Muse.", "Which model reaches 6.06?", False),
        ("Vaccines are safe.", "Are vaccines safe?", False),
        ("The gain is large.", "We compare two prompts. Is the gain large?", False),
        ("高级提示比零样本有提升。", "高级提示比零样本有提升吗？", False),
    ],
)
def test_a_sentence_that_only_repeats_its_question_is_told(
    sentence: str, question: str, repeats: bool
) -> None:
    assert only_repeats(sentence, question) is repeats


@pytest.mark.parametrize(
    ("sentence", "question", "decides"),
    [
        ("Yes, noise lowers foraging.", "Does noise lower foraging?", True),
        ("No, it does not.", "Does noise lower foraging?", True),
        ("Yes, there is a link between noise and foraging.", "Is noise linked to foraging?", True),
        ("Yes, noise lowers foraging by 30 percent.", "Does noise lower foraging?", False),
        ("Yes, bees at loud hives bring home less pollen.", "Does noise lower foraging?", False),
        ("Noise lowers foraging.", "Does noise lower foraging?", True),
        ("Noise lowers foraging.", "What does noise lower?", False),
        ("是的,噪声会降低觅食。", "噪声会降低觅食吗？", True),
        ("是的,噪声使觅食减少了三成。", "噪声会降低觅食吗？", False),
    ],
)
def test_what_only_says_yes_or_no_is_told(sentence: str, question: str, decides: bool) -> None:
    assert is_bare_yes_no(sentence, question) is decides


@pytest.mark.parametrize(
    ("question", "decides"),
    [
        ("School food policy: room for improvement?", False),
        ("Noise and bees: is there a link?", True),
        ("Can you tell me the error of SnowNet?", False),
        ("Name the data set that SnowNet was trained on?", False),
        ("能告诉我SnowNet的误差是多少吗？", False),
        ("A new network: how fast is it?", False),
        ("Which corpus, from which years, was used?", False),
        ("We ask which corpus was used. Is it large?", True),
        ("The campaigns: did they change what is known?", True),
        ("FID of Muse", False),
        ("Muse的FID?", False),
        ("噪声会降低觅食吗？", True),
    ],
)
def test_a_question_for_yes_or_no_is_told_from_others(question: str, decides: bool) -> None:
    assert is_yes_no_question(question) is decides
