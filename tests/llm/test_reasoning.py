"""Reasoning is taken out of a reply, however the reply is tagged and cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llm.reasoning import Hold, ReasoningFilter

THOUGHT = "Hm, [2] is on bees. Is it? I say so."
ANSWER = "Bees prefer blue flowers [2]. They avoid wind [1]."


def filtered(pieces: list[str], hold: Hold = "until cited", *, cut: bool = False) -> tuple[str, bool, bool]:
    reasoning = ReasoningFilter(hold)
    said = "".join(map(reasoning.feed, pieces)) + reasoning.finish(cut=cut)
    return said, reasoning.seen, reasoning.closed_only


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>", "</think>"),
        ("\n<think>\n", "\n</think>\n\n"),
        ("<Think >", "</THINK >"),
        ('<thinking budget="9">', "</thinking>"),
        ("< think>", "</ think>"),
        ("<reasoning>", "</reasoning>"),
        ("<thought>", "</thought>"),
        ("<seed:think>", "</seed:think>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
        ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|channel|>final <|constrain|><|message|>"),
        ("<think>", "</think><answer>"),
    ],
)
@pytest.mark.parametrize("hold", ["nothing", "until cited", "all"])
@pytest.mark.parametrize("thought", [THOUGHT, "", "\n\n"])
def test_the_answer_alone_is_left(opening: str, closing: str, hold: Hold, thought: str) -> None:
    said, seen, closed_only = filtered([opening + thought + closing + ANSWER], hold)
    assert (said.strip(), seen, closed_only) == (ANSWER, bool(thought.strip()), False)


def test_all_before_a_closing_tag_is_reasoning_though_nothing_opened_it() -> None:
    assert filtered([f"{THOUGHT}\n</think>\n\n{ANSWER}"]) == (ANSWER, True, True)
    assert filtered([f"{ANSWER}</think>{ANSWER}"], "all") == (ANSWER, True, True)


def test_an_answer_is_passed_on_from_its_first_citation() -> None:
    reasoning = ReasoningFilter("until cited")
    assert reasoning.feed("Bees prefer blue [2]") == ""
    assert reasoning.feed(". They") == "Bees prefer blue [2]. They"
    assert reasoning.feed(" avoid") == " avoid"
    assert ReasoningFilter("until cited").feed("蜜蜂偏好蓝花【2】。") == "蜜蜂偏好蓝花【2】。"
    assert ReasoningFilter("until cited").feed("The user asks of bees. See [2]. ") == ""
    assert ReasoningFilter("until cited").feed("on and on " * 40)


def test_reasoning_that_never_ends_leaves_no_answer() -> None:
    assert filtered([f"<think>{THOUGHT}"], cut=True) == ("", True, False)
    assert filtered([THOUGHT], cut=True)[0] == ""


def test_a_reply_without_tags_is_whole() -> None:
    for text in ("NOT FOUND", "p < 0.05 and 3 <b", "Yes.\n- a\n- b", "It costs [THIN", "x <|y", "  Yes"):
        assert filtered([text]) == (text, False, False)


def test_tags_within_a_line_are_text() -> None:
    text = "The model writes <think> and </think> around its steps [1]."
    assert filtered([text]) == (text, False, False)


TAGS = [
    "<think>", "</think>", "<THINK x=1>", "</reasoning >", "[THINK]", "[/THINK]", "<|channel|>", "analysis",
    "final", "<|message|>", "<|start|>assistant", "<|end|>", "<answer>", "◁think▷", "◁/think▷", "<", "[", "|>",
    " ", "\n", ". ", "[1].", "。", "a", "bees and blue flowers", "x" * 40,
]  # fmt: skip


@given(
    st.lists(st.sampled_from(TAGS), max_size=12).map("".join),
    st.lists(st.integers(0, 200)),
    st.sampled_from(["nothing", "until cited", "all"]),
    st.booleans(),
)
def test_how_a_reply_is_cut_into_pieces_changes_nothing(
    text: str, cuts: list[int], hold: Hold, cut: bool
) -> None:
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in cuts)})
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert (
        filtered(pieces, hold, cut=cut)
        == filtered([text], hold, cut=cut)
        == filtered(list(text), hold, cut=cut)
    )
