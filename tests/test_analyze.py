"""Index terms: stems, identifiers, bigrams."""

from __future__ import annotations

import pytest

from rag.analyze import analyze


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The models are quantizing", ["model", "quantiz"]),
        ("VGNetG-1.0MP", ["vgnetg-1.0mp", "vgnetg", "1", "0mp"]),
        ("CIFAR10-DVS", ["cifar10-dvs", "cifar10", "dvs"]),
        ("量化框架", ["量化", "化框", "框架"]),
        ("雪", ["雪"]),
        ("HAQ框架", ["haq", "框架"]),
        ("Ｔｏｐ－１", ["top-1", "top", "1"]),
        ("C++", ["c++", "c"]),
        ("—！", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert analyze(text) == terms
