"""The script that checks the development questions finds the faults that are planted here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import ROOT

GOOD = {
    "id": "a",
    "question": "How many kilns were opened?",
    "language": "en",
    "answer": [r"\b41\b"],
    "gold": "41 kilns.",
}


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the script from benchmarks/, which is no installed package."""
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.check_questions")


@pytest.mark.parametrize(
    ("check_name", "changed", "fault"),
    [
        ("own_answers", {"gold": "Many kilns."}, "a: no pattern matches the gold answer"),
        (
            "own_answers",
            {"question": "Were 41 kilns opened?"},
            "a: a pattern matches what is asked or was said",
        ),
        (
            "own_answers",
            {"history": [["And?", "It was 41."]]},
            "a: a pattern matches what is asked or was said",
        ),
        ("languages", {"language": "zh"}, "a: the question is not in zh"),
    ],
)
def test_a_planted_fault_is_named(
    check: Any, check_name: str, changed: Mapping[str, Any], fault: str
) -> None:
    find = getattr(check, check_name)
    assert list(find(check.Questions({"mine": [GOOD]}))) == []
    (found,) = find(check.Questions({"mine": [GOOD | changed]}))
    assert found.startswith(fault)


def test_what_stands_twice_is_named(check: Any) -> None:
    files = {"corpus/followups": [], "mine": [GOOD], "more": [GOOD | {"question": "How many bricks?"}]}
    assert list(check.repeated(check.Questions(files))) == ["a: stands 2 times"]
