"""What the command line shows of a record beside its title."""

from __future__ import annotations

import pytest

from rag.cli.output import byline
from rag.schema import Citation, Paper, Source


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ""),
        ({"authors": ("Ash, A", "Birch, B"), "year": 2021}, "Ash, A; Birch, B; 2021"),
        ({"authors": ("A", "B", "C", "D"), "venue": "Otter Notes"}, "A; B; C; et al.; Otter Notes"),
        ({"authors": ("沈青", "韩梅", "周川", "林雪")}, "沈青; 韩梅; 周川; 等"),
        ({"doi": "10.5555/x"}, "https://doi.org/10.5555/x"),
    ],
)
def test_what_is_known_is_shown(fields: dict[str, object], shown: str) -> None:
    paper = Paper("p", "Otters slept.", "en", (Source("a.txt", 1),), **fields)
    assert byline(paper) == shown
    assert byline(Citation.of(1, paper, 0, 6)) == shown
