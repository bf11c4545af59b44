"""Ratings of the page read by `rag evaluate answers`: what is asked again, and what is said of the fresh answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rag.errors import CorpusError
from rag.evaluation.datasets.loading import load_dataset
from rag.evaluation.qrels import QueryWithQrels
from rag.evaluation.ratings import ratings_report
from rag.evaluation.scoring import failed, score
from tests.fake_rag import answer, citation, context
from ui.conversations.ratings import FILE, Rating, Ratings

ICE = context("We measure sea ice. It lost 4 % a year.")
SAND = context("We measure dunes. They move 3 m a year.")
CITES_ICE = citation(1, ICE, "It lost 4 % a year.")
CITES_SAND = citation(1, SAND, "They move 3 m a year.")


def said(text: str, *cited: Any, refused: bool = False):
    return answer("How fast?", text, [ICE, SAND], cited, refused=refused)


def rated(folder: Path, *given: tuple[Any, str | None]) -> Path:
    """Write ratings as the page does, each of another turn."""
    ratings = Ratings(folder)
    for position, (told, verdict) in enumerate(given):
        ratings.give("conversation", position, told, Rating(verdict), "generation")
    return folder / FILE


def fresh(path: Path, *answers: Any) -> tuple[Any, Any]:
    queries = load_dataset(path).queries
    asked = [QueryWithQrels(query, query.relevant, "en->en") for query in queries]
    rows = [
        failed(question, told) if isinstance(told, Exception) else score(question, told.to_dict())
        for question, told in zip(asked, answers, strict=True)
    ]
    return queries, rows


def test_a_liked_answer_is_asked_again_for_the_abstracts_it_cited(tmp_path) -> None:
    path = rated(tmp_path, (said("4 % [1].", CITES_ICE), "up"), (said("No idea [1].", CITES_SAND), "down"))
    dataset = load_dataset(path)
    liked, disliked = dataset.queries
    assert (dataset.form, liked.text, dict(liked.relevant)) == (
        "ratings",
        "How fast?",
        {ICE.paper.paper_id: 1.0},
    )
    assert (liked.kind, disliked.kind) == ("rated up", "rated down")
    assert (dict(disliked.relevant), disliked.answerable) == ({}, True)


def test_a_liked_refusal_is_expected_again(tmp_path) -> None:
    [query] = load_dataset(rated(tmp_path, (said("Not in them.", refused=True), "up"))).queries
    assert not query.answerable


def test_the_last_word_on_an_answer_counts(tmp_path) -> None:
    ratings, told = Ratings(tmp_path), said("4 % [1].", CITES_ICE)
    for verdict in ("up", "down", None, "up", "down"):
        ratings.give("conversation", 0, told, Rating(verdict), "generation")
    ratings.give("conversation", 1, told, Rating("up"), "generation")
    ratings.give("conversation", 1, told, Rating(None), "generation")
    [query] = load_dataset(tmp_path / FILE).queries
    assert query.rated is not None
    assert query.rated.verdict == "down"


def test_ratings_that_were_all_taken_back_are_one_sentence(tmp_path) -> None:
    with pytest.raises(CorpusError, match="holds no rating that was not taken back"):
        load_dataset(rated(tmp_path, (said("4 % [1].", CITES_ICE), None)))


def test_a_rating_that_is_none_is_one_sentence(tmp_path) -> None:
    path = rated(tmp_path, (said("4 % [1].", CITES_ICE), "up"))
    line = json.loads(path.read_text(encoding="utf-8")) | {"rating": "sideways"}
    path.write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(CorpusError, match=r'In line 1 of ratings\.jsonl "rating" must be'):
        load_dataset(path)


def test_earlier_turns_are_asked_with_it(tmp_path) -> None:
    past = (("How fast does ice melt?", "Fast."),)
    Ratings(tmp_path).give("c", 1, said("4 %.", CITES_ICE), Rating("up"), "generation", past)
    assert load_dataset(tmp_path / FILE).queries[0].history == past


def test_what_agrees_and_what_got_worse_is_told(tmp_path) -> None:
    liked = said("4 % [1].", CITES_ICE)
    path = rated(tmp_path, *[(liked, "up")] * 4, *[(said("Nothing."), "down")] * 2)
    queries, rows = fresh(
        path,
        said("It is 4 % [1].", CITES_ICE),
        said("3 m [1].", CITES_SAND),
        said("Not in them.", refused=True),
        ValueError("no model"),
        said("Nothing."),
        said("4 % [1].", CITES_ICE),
    )
    report = ratings_report(queries, rows)
    up, down = [line for line in report.splitlines() if line.startswith("| rated")]
    assert "| 4 | 1/4" in up
    assert "| 2 | 1/2" in down
    assert report.count("How fast?: cites none of the abstracts it cited") == 1
    assert report.count("How fast?: was answered, is refused") == 1
    assert report.count("How fast?: ValueError: no model") == 1
    assert report.count("How fast?: says the same") == 1


def test_a_data_set_without_ratings_says_nothing_of_them(tmp_path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"question": "How fast?"}\n', encoding="utf-8")
    assert ratings_report(*fresh(path, said("4 %."))) == ""
