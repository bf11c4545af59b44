"""Sentence boundaries in both languages."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.sentences import sentence_texts, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("It is 6.06 on CC3M. Next.", ["It is 6.06 on CC3M.", "Next."]),
        ("See e.g. Muse et al. for more. Done!", ["See e.g. Muse et al. for more.", "Done!"]),
        ("J. Smith agrees. Fine.", ["J. Smith agrees.", "Fine."]),
        ("一。二！三？", ["一。", "二！", "三？"]),
        ("模型达到79.6%。更好", ["模型达到79.6%。", "更好"]),
        ("他说“好。”然后走了。", ["他说“好。”", "然后走了。"]),
        ("Code at https://a.b/c.d is open. Yes.", ["Code at https://a.b/c.d is open.", "Yes."]),
        ("No end", ["No end"]),
        ("First paragraph\n\nSecond", ["First paragraph", "Second"]),
        ('He said "yes." Then left.', ['He said "yes."', "Then left."]),
        ("  ", []),
        ("Yes... But (see etc. and so on) no.", ["Yes...", "But (see etc. and so on) no."]),
        ("By pose, etc. Our model wins.", ["By pose, etc.", "Our model wins."]),
        ("A [cf. Fig. 2] B.    then c. D.", ["A [cf. Fig. 2] B.    then c. D."]),
        ("x" * 40 + ". Next.", ["x" * 40 + ".", "Next."]),
    ],
)
def test_boundaries(text: str, sentences: list[str]) -> None:
    assert sentence_texts(text) == sentences


@given(st.text(alphabet='aB .!?。！\n1一"”)e.g', max_size=80))
def test_spans_cover_everything_but_white_space(text: str) -> None:
    spans = split_sentences(text)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert "".join(text[s:e] for s, e in spans).split() == text.split() or "".join(
        "".join(text[s:e].split()) for s, e in spans
    ) == "".join(text.split())


@pytest.mark.parametrize(
    "unit", ["a. ", "b. ", "etc. ", ".", "x.", "Ab. ", '.")', "。", "\n ", "? a", ". ( "]
)
def test_time_is_linear(unit: str) -> None:
    text = unit * (200_000 // len(unit)) + "x"
    started = time.process_time()
    split_sentences(text)
    assert time.process_time() - started < 1.5
