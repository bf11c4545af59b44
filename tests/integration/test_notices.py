"""What is said, in either language, when text leaves this machine."""

from __future__ import annotations

import pytest

from rag.factory import leaving_notices
from tests.conftest import ScriptedLLM

HOSTED = "https://llm.example/v1"


def hosted(leaves: bool) -> ScriptedLLM:
    llm = ScriptedLLM(lambda messages: "")
    llm.endpoint, llm.leaves_machine = HOSTED, leaves
    return llm


@pytest.mark.parametrize("chroma", [None, "http://127.0.0.1:8000"])
def test_nothing_is_said_while_all_stays_here(chroma: str | None) -> None:
    assert leaving_notices(hosted(False), chroma) == {}


def test_both_languages_name_every_place_that_text_goes_to() -> None:
    notices = leaving_notices(hosted(True), "http://db.example:8000")
    assert set(notices) == {"en", "zh"}
    for notice in notices.values():
        assert HOSTED in notice
        assert "db.example:8000" in notice
    assert "Questions" not in notices["zh"]


def test_a_library_with_nothing_to_say_has_no_notice(open_rag) -> None:
    rag = open_rag()
    assert (rag.notices, rag.notice) == ({}, None)
