"""A number counts what the evidence lets it count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.number_nouns import miscounted_numbers

EN = "We included 120 controls and 80 patients with asthma over 5 years."
ZH = "深大迎来了12691名新生，其中包括7436名本科生、5010名硕士生。"


@pytest.mark.parametrize(
    ("sentence", "evidence", "wrong"),
    [
        ("120 patients took part.", EN, ("120",)),
        ("80 patients and 120 controls took part.", EN, ()),
        ("120 patients and 80 controls took part.", EN, ("120", "80")),
        ("There were 80 asthma patients.", EN, ()),  # the evidence counts no asthma
        ("The study took 80 years.", EN, ("80",)),
        ("There were 120 of them.", EN, ()),
        ("There were 77 patients.", EN, ()),  # `missing_numbers` tells
        ("120 patients took part.", "Of 120 enrolled, 80 patients finished.", ()),
        ("80 patients responded.", "Of 200 patients, 80 responded.", ()),
        ("80 patients got it.", "We enrolled 200 patients. 80 women got it.", ()),
        ("In 2019 patients got it.", "In 2019 guidelines changed. 50 patients got it.", ()),
        ("120 patients took part.", "Of 120, 80 patients finished.", ()),
        ("120 patients took part.", "120 asthma patients, of whom 80 patients finished.", ()),
        ("120 patients took part.", "120 controls, then 120 patients, 80 patients at last.", ()),
        ("录取了12691名本科生。", ZH, ("12691",)),
        ("录取了7436名本科生。", ZH, ()),
        ("迎来了12691名新生。", ZH, ()),
        ("录取了12691人。", ZH, ()),
        ("ResNet 50 models win.", "50 layers, and 20 models in all.", ("50",)),
        ("120 patients took part.", "", ()),
    ],
)
def test_a_number_counts_what_its_evidence_says(sentence: str, evidence: str, wrong: tuple[str, ...]) -> None:
    assert miscounted_numbers(sentence, [evidence]) == wrong


@given(
    st.lists(
        st.sampled_from(["120", "80", "patients", "controls", "and", "名新生", "名本科生", ","]), max_size=9
    )
)
def test_what_is_repeated_is_never_wrong(words: list[str]) -> None:
    text = " ".join(words)
    assert miscounted_numbers(text, [text]) == ()
