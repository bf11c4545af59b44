"""Ratings of answers as lines of a file."""

from __future__ import annotations

import json

import pytest

from tests.ui.conversations.turns import answered
from ui.conversations.database import ConversationsError
from ui.conversations.ratings import FILE, REMARK_CHARS, Rating, Ratings

ANSWER = answered("How large?").answer
assert ANSWER is not None


def test_a_rating_is_a_line_with_what_was_rated(tmp_path) -> None:
    Ratings(tmp_path).give("secret", 3, ANSWER, Rating("down", " Too short 太短 "), "generation-7")
    [line] = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    record = json.loads(line)
    assert "太短" in line
    assert record["remark"] == "Too short 太短"
    assert (record["question"], record["rating"], record["index"]) == ("How large?", "down", "generation-7")
    assert record["citations"] == [ANSWER.citations[0].paper_id]
    assert "secret" not in line


def test_a_rating_is_there_after_a_restart_and_changes(tmp_path) -> None:
    ratings = Ratings(tmp_path)
    ratings.give("c", 0, ANSWER, Rating("up"), "")
    ratings.give("c", 0, ANSWER, Rating("down", "no"), "")
    assert ratings.of("c", 0, ANSWER) == Rating("down", "no")
    assert ratings.of("c", 1, ANSWER) == Rating(None)
    assert Ratings(tmp_path).of("c", 0, ANSWER) == Rating("down", "no")


def test_a_line_that_was_cut_short_costs_itself_only(tmp_path) -> None:
    ratings = Ratings(tmp_path)
    ratings.give("c", 0, ANSWER, Rating("up"), "")
    with (tmp_path / FILE).open("a") as file:
        file.write('{"id": "half')
    Ratings(tmp_path).give("c", 1, ANSWER, Rating("down"), "")
    again = Ratings(tmp_path)
    assert (again.of("c", 0, ANSWER).verdict, again.of("c", 1, ANSWER).verdict) == ("up", "down")


def test_a_long_remark_is_cut(tmp_path) -> None:
    ratings = Ratings(tmp_path)
    ratings.give("c", 0, ANSWER, Rating("up", "x" * 100_000), "")
    assert len(ratings.of("c", 0, ANSWER).remark) == REMARK_CHARS


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConversationsError, match="cannot be saved"):
        Ratings(tmp_path / "file").give("c", 0, ANSWER, Rating("up"), "")
