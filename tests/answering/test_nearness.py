"""Whether a search found anything near: by the cosine, or by the words of a short query."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.answering.nearness import is_near
from tests.export.samples import LAMPS, SNOW, found

FAR = [replace(found(LAMPS), dense=0.1), replace(found(SNOW), dense=0.05)]


@pytest.mark.parametrize(
    ("query", "near"),
    [("otters sleep", True), ("雪灯研究", True), ("sleep of violins", False), ("", False), ("DNA", True)],
)
def test_words_decide_where_the_cosine_is_low(query: str, near: bool) -> None:
    assert is_near(query, FAR, 0.3) is near


def test_a_near_abstract_needs_no_word() -> None:
    assert is_near("violins", [replace(found(LAMPS), dense=0.31)], 0.3)
    assert not is_near("violins", [replace(found(LAMPS), dense=None)], 0.3)
    assert not is_near("violins", [], 0.3)
