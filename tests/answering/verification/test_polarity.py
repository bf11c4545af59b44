"""Which words point up, down or deny, and the same sentence turned round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.verification.polarity import read_tokens, turn_round


def marks(text: str) -> list[int]:
    return [token.mark for token in read_tokens(text) if token.mark is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Traffic noise lowers foraging.", [-1]),
        ("It did not improve accuracy", [0, 1]),
        ("It doesn't reduce the higher cost", [0, -1, 1]),
        ("APOE4-deficient mice", []),
        ("噪声降低了精度", [-1]),
        ("并非更好", [0, 1]),
        ("在不同数据集上不仅如此,无监督也是非线性的", []),
        ("结果没有提高", [0, 1]),
        ("", []),
    ],
)
def test_words_that_point_or_deny_are_marked(text: str, expected: list[int]) -> None:
    assert marks(text) == expected


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("Noise lowers foraging.", "Noise raises foraging."),
        ("Muse is not slow.", "Muse is slow."),
        ("Muse does not use labels.", "Muse use labels."),
        ("Bees were counted.", "Bees were not counted."),
        ("LeafNet reaches 94%.", "LeafNet does not reach 94%."),
        ("SnowNet提高了精度。", "SnowNet降低了精度。"),
        ("该方法无法收敛。", "该方法可以收敛。"),
        ("模型可以收敛。", "模型不可以收敛。"),
        ("它采用扩散模型。", "它没有采用扩散模型。"),
    ],
)
def test_a_sentence_is_turned_round(text: str, opposite: str) -> None:
    assert turn_round(text) == opposite


def test_what_says_nothing_is_not_turned() -> None:
    assert turn_round("Hello there") is None
    assert turn_round("") is None


@given(st.text(max_size=80))
def test_tokens_stand_where_they_say(text: str) -> None:
    tokens = read_tokens(text)
    assert [t.start for t in tokens] == sorted(t.start for t in tokens)
    assert all(text[t.start :].lower().startswith(t.text[:1]) for t in tokens if t.text.isascii())


PARTS = [
    "the method",
    "improves",
    "is not",
    "reduces",
    "cannot",
    "提高了",
    "没有",
    "without",
    "can",
    "精度",
    "has",
    "7",
]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map(" ".join))
def test_what_is_turned_has_one_turn_more_or_less(text: str) -> None:
    opposite = turn_round(text)
    if opposite is not None:
        assert opposite != text
        turns = [sum(mark < 1 for mark in marks(t)) % 2 for t in (text, opposite)]
        assert turns[0] != turns[1]
