"""The questions to begin with: what the page shows of them, and when they are made."""

from __future__ import annotations

from typing import Any

from tests.fake_rag import FakeRAG, script_of
from ui.library.starters import Starters

OFFERED = ({"en": "Which <gate> scores spans?", "zh": "哪种门控给片段打分？"},)


class Sized(FakeRAG):
    """A library of so many works as `works` says."""

    works = 31

    def info(self) -> dict[str, Any]:
        return super().info() | {"works": self.works}


def test_both_languages_are_sent_and_what_is_shown_is_known() -> None:
    rag = FakeRAG(script_of("", []), offered=OFFERED)
    starters = Starters(rag, may_add=True)
    assert starters.shown == starters.patch()["starters"]
    assert starters.shown.count('class="example in"') == 2
    assert "Which &lt;gate&gt; scores spans?" in starters.shown
    rag.offered = ()
    assert starters.patch() == {"starters": ""}
    assert starters.shown == ""


def test_those_of_a_large_library_are_made_by_the_first_page_that_is_opened() -> None:
    rag = Sized(script_of("", []), offered=OFFERED)
    rag.works = 50_000
    starters = Starters(rag, may_add=True)
    assert starters.shown == ""
    assert starters.patch()["starters"] == starters.shown != ""


def test_an_empty_library_invites_to_add_papers_if_one_may() -> None:
    rag = Sized(script_of("", []), offered=OFFERED)
    rag.works = 0
    assert "<button" in Starters(rag, may_add=True).shown
    assert "<button" not in Starters(rag, may_add=False).shown
