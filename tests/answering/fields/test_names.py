"""The name of an author is found however it is written, and no other name is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.fields.authors import AuthorIndex
from rag.text.names import is_han_surname

RECORDS = [
    ["Novak, Petra", "Lian, Bo"], ["Petra Novak"], ["Novak P"], ["P. Novak"], ["Novak, Karel"],
    ["沈 青"], ["沈青山"], ["van der Meer, Piet"], ["Piet van der Meer"], ["Schäfer-Lux, Björn K."],
    ["Ortega Ruiz, Inés"], ["Doyle, Sam Jr"], ["Seo, Min-ah"], ["Li, Q. R."], ["D'Arcy, Ann"],
    ["葉明德 (Yeh, Ming-te)"],
]  # fmt: skip
AUTHORS = AuthorIndex(RECORDS)


@pytest.mark.parametrize(
    ("asked", "items"),
    [
        ("Novak", {0, 1, 2, 3, 4}),
        ("NOVAK", {0, 1, 2, 3, 4}),
        ("Petra Novak", {0, 1, 2, 3}),
        ("Novak, Petra", {0, 1, 2, 3}),
        ("P. Novak", {0, 1, 2, 3}),
        ("Karel Novak", {4}),
        ("Li", {13}),
        ("Lian", {0}),
        ("沈青", {5}),
        ("沈青山", {6}),
        ("沈", {5, 6}),
        ("Meer", {7, 8}),
        ("van der Meer", {7, 8}),
        ("Piet van der Meer", {7, 8}),
        ("schafer-lux", {9}),
        ("Bjorn Schäfer-Lux", {9}),
        ("Ortega", {10}),
        ("Ines Ortega Ruiz", {10}),
        ("Sam Doyle", {11}),
        ("Minah Seo", {12}),
        ("Seo MA", {12}),
        ("D’Arcy", {14}),
        ("叶明德", {15}),
        ("Ming-te Yeh", {15}),
        ("Petra", {1}),  # nobody's last name, so it may be a surname that stands first
        ("Nov", set()),
        ("Lia", set()),
        ("青", set()),
        ("Petra Nowak", set()),
    ],
)
def test_who_has_a_name(asked: str, items: set[int]) -> None:
    assert set(AUTHORS.find(asked)) == items


def test_the_name_is_given_back_as_the_record_writes_it() -> None:
    assert AUTHORS.find("Karel Novak") == {4: "Novak, Karel"}


def test_a_name_with_a_word_of_no_author_is_not_known() -> None:
    assert AUTHORS.knows("Petra Novak")
    assert not AUTHORS.knows("Petra Novak papers")


WORD = st.text("abcdefghij", min_size=2, max_size=8).map(str.capitalize)


@given(WORD, WORD)
def test_any_name_is_found_in_either_order(given: str, surname: str) -> None:
    index = AuthorIndex([[f"{surname}, {given}"]])
    for asked in (
        f"{given} {surname}",
        f"{surname} {given}",
        f"{surname}, {given}",
        f"{given[0]}. {surname}",
        surname,
    ):
        assert index.find(asked) == {0: f"{surname}, {given}"}, asked


@given(st.text(max_size=60))
def test_any_text_is_looked_up_without_an_error(text: str) -> None:
    AUTHORS.find(text)
    AuthorIndex([[text]]).find(text)


def test_a_frequent_chinese_surname_is_known() -> None:
    assert is_han_surname("周")
    assert not is_han_surname("屋")
