"""The years that a question names, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.fields.years import FIRST_YEAR, LAST_YEAR, find_years, spelled_years, within

NOW = 2030


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("papers from 2011", [(2011, 2011)]),
        ("since 2011", [(2011, LAST_YEAR)]),
        ("from 2011 on", [(2011, LAST_YEAR)]),
        ("2011 or later", [(2011, LAST_YEAR)]),
        ("after 2011", [(2012, LAST_YEAR)]),
        ("before 2011", [(FIRST_YEAR, 2010)]),
        ("up to 2011", [(FIRST_YEAR, 2011)]),
        ("between 2011 and 2014", [(2011, 2014)]),
        ("from 2011 to 2014", [(2011, 2014)]),
        ("2011–2014", [(2011, 2014)]),
        ("in 2011 and 2014", [(2011, 2011), (2014, 2014)]),
        ("in the 1990s", [(1990, 1999)]),
        ("in the last three years", [(2028, 2030)]),
        ("last year", [(2029, 2029)]),
        ("2011年发表", [(2011, 2011)]),
        ("二〇一一年发表", [(2011, 2011)]),
        ("2011年以来", [(2011, LAST_YEAR)]),
        ("自2011年起", [(2011, LAST_YEAR)]),
        ("2011年以后", [(2012, LAST_YEAR)]),
        ("2011年之前", [(FIRST_YEAR, 2010)]),
        ("2011至2014年", [(2011, 2014)]),
        ("2011年到2014年之间", [(2011, 2014)]),
        ("近五年", [(2026, 2030)]),
        ("去年", [(2029, 2029)]),
    ],
)
def test_years_are_read(text: str, spans: list[tuple[int, int]]) -> None:
    found = find_years(spelled_years(text), NOW)
    assert found is not None
    assert list(found.spans) == spans


@pytest.mark.parametrize(
    "text", ["2,019 patients", "10.1000/2019.12", "GPT-2020", "20190", "a 1.2019 m rod", "99"]
)
def test_other_numbers_are_no_years(text: str) -> None:
    assert find_years(text, NOW) is None


@given(st.integers(1500, 2099), st.integers(1500, 2099))
def test_a_range_holds_its_ends_in_any_order(one: int, other: int) -> None:
    found = find_years(f"from {one} to {other}", NOW)
    assert found is not None
    assert within(one, found.spans)
    assert within(other, found.spans)
    assert not within(None, found.spans)
    assert not within(max(one, other) + 1, found.spans)


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    find_years(spelled_years(text), NOW)
