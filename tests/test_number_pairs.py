"""A number goes with the one that the evidence puts it beside."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.number_pairs import mispaired_numbers

EN = "Small reaches 67.7% accuracy with 990,000 parameters, and Large 69.2% with 1,140,000."
ZH = "该网络以99万参数达到67.7%的准确率和69.2%的精度,后者的参数为114万。"


@pytest.mark.parametrize("evidence", [EN, ZH])
@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("With 990,000 parameters it reaches 69.2%.", ("69.2",)),
        ("With 990,000 parameters it reaches 67.7%.", ()),
        ("它以114万参数达到67.7%。", ("67.7",)),
        ("它以114万参数达到69.2%。", ()),
        ("It reaches 67.7% with 990,000 parameters and 69.2% with 1,140,000.", ()),
        ("It reaches 69.2%.", ()),
        ("Of 12 models one reaches 69.2%.", ()),  # the evidence says nothing of 12
        ("With 990,000 parameters it reaches 12.5%.", ()),  # not stated: `missing_numbers` tells
        ("With 990,000 and 1,140,000 parameters it reaches 67.7% and 69.2%, respectively.", ()),
    ],
)
def test_a_share_goes_with_the_number_beside_it(sentence: str, wrong: tuple[str, ...], evidence: str) -> None:
    assert mispaired_numbers(sentence, [evidence]) == wrong


@pytest.mark.parametrize(
    "evidence",
    [
        "Small and Large reach 67.7% and 69.2% with 990,000 and 1,140,000 parameters, respectively.",
        "With 990,000 parameters it reaches 67.7%. With 1,140,000 it reaches 69.2%.",  # no sentence has both
        "It reaches 69.2% with 990,000 parameters.",
        "It reaches 67.7% or 69.2% with 990,000 parameters.",  # no other number that 69.2% could go with
        "",
    ],
)
def test_it_tells_nothing_where_the_evidence_does_not(evidence: str) -> None:
    assert mispaired_numbers("With 990,000 parameters it reaches 69.2%.", [evidence]) == ()


@given(st.lists(st.sampled_from(["67.7%", "69.2%", "990,000", "1,140,000", "and", "with"]), max_size=7))
def test_what_is_repeated_in_its_order_is_never_mispaired_beside_one_neighbour(words: list[str]) -> None:
    """A share and the number next to it, where each is nearest to the other."""
    text = f"{' '.join(words)}."
    for first, second in re.findall(r"(?=(\d[\d.,]*%?) (\d[\d.,]*%?))", text):
        if ("%" in first) != ("%" in second):
            assert mispaired_numbers(f"It has {first} {second}.", [text]) == ()
