"""Questions about fields that the language model reads: what it may say, and what of it is believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.fields.query import Query, parse_query, query_grammar
from rag.answering.fields.query_prompt import QUERIES, QUERY_SYSTEM
from rag.answering.fields.question import FieldQuestion, Worded, word_question
from rag.answering.fields.reading import read_with_llm
from rag.answering.fields.values import Values, find_values
from rag.errors import LLMResponseError
from rag.library import index_paths
from rag.llm.base import Message
from rag.pipeline import RAG
from rag.schema import Answer
from rag.settings import load_settings
from tests.answering.fields.test_field_answers import ROWS
from tests.answering.fields.test_question import LIBRARY, NOW
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM


def worded(question: str) -> Worded:
    return word_question(question, LIBRARY, NOW)


def read(question: str, **query: Any) -> FieldQuestion | None:
    """Return a question as it is believed if the model says so."""
    llm = ScriptedLLM(lambda messages: json.dumps(query, ensure_ascii=False))
    llm.reads_queries = True
    return read_with_llm(llm, worded(question))


def test_what_stands_in_a_question_is_found() -> None:
    found = find_values(worded("3 chinese things by Lian or Novak in Textile Letters since 2019, pray"))
    assert found == Values(
        ("Lian", "Novak"),
        ("Textile Letters",),
        ((2019, 9999),),
        (3,),
        ("zh",),
        identified=False,
        either=True,
    )
    assert find_values(worded("10.5555/w.1 <- and this one?")).identified


def test_a_query_holds_nothing_that_the_question_does_not() -> None:
    found = read(
        "pray what did lian put to paper of bells and rust", show=["papers"], by=["lian", "Watson"],
        about="glaciers", limit=7, any=True, order="newest",
    )  # fmt: skip
    assert found is not None
    assert (found.authors, found.any_author, found.limit, found.order) == (("lian",), False, None, None)
    assert found.topic is not None
    assert "glaciers" not in found.topic


def test_a_name_taken_for_a_topic_is_a_name() -> None:
    found = read("has Lian anything aboard?", show=["papers"], about="Lian")
    assert found is not None
    assert (found.authors, found.topic) == (("Lian",), None)


def test_exclusions_fields_and_counts_are_read() -> None:
    found = read(
        "whence came the bells paper, by whom, sans Haas", show=["venue", "authors"], about="bells",
        not_by=["Haas"], not_about="rust in wool",
    )  # fmt: skip
    assert found is not None
    assert (found.asked, found.also, found.not_authors) == ("venue", ("authors",), ("Haas",))
    assert found.not_topic is None, "it is not in the question"
    found = read("which scribe is the busiest?", show=["papers"], per="author")
    assert found is not None
    assert (found.asked, found.most) == ("by author", True)


def test_a_topic_may_be_quoted_or_hyphenated() -> None:
    for topic in ('"sea ice"', "self-attention"):
        found = read(
            f"pray, aught by Lian anent {topic}?", show=["papers"], by=["Lian"], about=topic.strip('"')
        )
        assert found is not None
        assert (found.topic, found.guessed_topic) == (topic.strip('"'), False)


def test_a_guessed_topic_alone_is_never_dropped() -> None:
    found = read("In which decade did bells rust, gentlemen?", show=["year"])
    assert found is None or not found.guessed_topic


@pytest.mark.parametrize("reply", ["", "{}", "{", "[1]", '{"show": 3}', '{"show": []}', "I do not know."])
def test_a_reply_without_a_query_is_none(reply: str) -> None:
    assert parse_query(reply) is None


def test_a_query_inside_other_words_is_read() -> None:
    assert parse_query('Sure: {"show": ["year"], "one": true} Done.') == Query(("year",), one=True)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4))
def test_odd_values_are_left_out(value: object) -> None:
    keys = (
        "by",
        "not_by",
        "any",
        "about",
        "not_about",
        "in",
        "order",
        "limit",
        "per",
        "language",
        "without",
        "one",
    )
    query = parse_query(json.dumps({"show": ["papers"], **dict.fromkeys(keys, value)}))
    assert query is not None
    assert query.order in (None, "newest", "oldest")
    assert all(isinstance(name, str) for name in (*query.by, *query.not_by, *query.without))


def test_every_example_is_a_query_that_the_grammar_allows() -> None:
    for question, _, reply in QUERIES:
        query = parse_query(reply)
        assert (query is None) == (reply == "{}"), question
        if query is not None:
            names, venues = (*query.by, *query.not_by), (query.venue,) if query.venue else ()
            grammar = query_grammar(Values(names, venues))
            for value in (*names, *venues):
                assert json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False) in grammar
            assert reply == json.dumps(json.loads(reply), ensure_ascii=False, separators=(",", ":"))


def test_the_grammar_offers_only_what_is_there() -> None:
    bare = query_grammar(Values())
    assert all(f'\\"{key}\\"' not in bare for key in ("by", "in", "limit", "language", "any"))
    full = query_grammar(Values(('O"Neill',), ("Cell",), (), (3,), ("zh",), either=True))
    assert all(f'\\"{key}\\"' in full for key in ("by", "not_by", "in", "limit", "language", "any"))
    assert json.dumps(json.dumps('O"Neill')) in full


@pytest.mark.parametrize(
    ("question", "known"),
    [
        ("Who wrote the paper on wool dyes?", True),
        ("papers by Lian since 2019", True),
        ("Pray, which scribe penned the treatise on bells?", False),
        ("wats the paper on bells by lian", False),
        ("沈青写了哪些论文？", True),
        ("沈青河写了哪些论文？", False),  # a known name goes on: it may be another's, or none
    ],
)
def test_wording_that_no_example_has_is_noticed(question: str, known: bool) -> None:
    assert worded(question).is_known() is known


@pytest.fixture
def open_fields(tmp_path: Path) -> Callable[[Callable[[Sequence[Message]], str]], RAG]:
    lines = (json.dumps(row, ensure_ascii=False) for row in ROWS)
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    embedder = HashEmbedder()
    index_paths([tmp_path / "rows.jsonl"], tmp_path / "index", embedder=embedder)
    settings = load_settings(index=tmp_path / "index", min_similarity=-1.0)

    def open_(script: Callable[[Sequence[Message]], str]) -> RAG:
        llm = ScriptedLLM(script)
        llm.reads_queries = True
        return RAG(settings, embedder=embedder, llm=llm, verifier=NumberVerifier())

    return open_


ODD = "my boss wants stuff that Novak wrote with Lian, which journals or whatever year"


def test_the_model_reads_odd_wording_and_the_catalogue_answers(open_fields) -> None:
    def script(messages: Sequence[Message]) -> str:
        assert messages[0].content == QUERY_SYSTEM
        return '{"show":["papers"],"by":["Novak","Lian"]}'

    with open_fields(script) as rag:
        assert len(find_values(word_question(ODD, LIBRARY, NOW)).names) == 2
        events = list(rag.ask(ODD, stream=True))
        answer = events[-1]
        assert isinstance(answer, Answer)
        assert answer.kind == "collection"
        assert [citation.title for citation in answer.citations] == ["Wool dyes fade in salt air"]
        assert "interpreting" in [getattr(event, "stage", None) for event in events]
        assert len(rag.llm.chats) == 1


def test_known_wording_asks_no_model(open_fields) -> None:
    def script(messages: Sequence[Message]) -> str:
        raise AssertionError("the model was asked")

    with open_fields(script) as rag:
        assert rag.ask("Which papers did Novak write?").kind == "collection"


def test_a_model_that_fails_to_read_leaves_the_guess(open_fields) -> None:
    def script(messages: Sequence[Message]) -> str:
        raise LLMResponseError("The model has gone.")

    with open_fields(script) as rag:
        answer = rag.ask("Which papers did Novak write forsooth?")
        assert answer.kind == "collection"
        assert len(answer.citations) == 2


def test_what_the_model_does_not_read_is_not_guessed_for_a_stranger(open_fields) -> None:
    asked: list[Sequence[Message]] = []

    def script(messages: Sequence[Message]) -> str:
        asked.append(messages)
        return "{}" if messages[0].content == QUERY_SYSTEM else "NOT FOUND"

    with open_fields(script) as rag:
        answer = rag.ask("Which papers report Quimby on wool or salt and percent?")
        assert answer.kind == "answer"
        assert len(asked) > 1


def test_a_guessed_topic_that_nothing_is_on_is_dropped(open_fields) -> None:
    reply = {"show": ["papers"], "by": ["Novak"]}
    with open_fields(lambda messages: json.dumps(reply)) as rag:
        answer = rag.ask("Pray, hand over the tea tables that Novak wrote or published")
        assert answer.kind == "collection"
        assert len(answer.citations) == 2


def test_the_most_frequent_author_is_cited(open_fields) -> None:
    with open_fields(lambda messages: '{"show":["papers"],"per":"author"}') as rag:
        answer = rag.ask("Which scribe wrote more papers than anybody?")
        assert answer.kind == "collection"
        lines = answer.answer.splitlines()
        assert "[1][2]" in lines[1]
        assert all("[" not in line for line in lines[3:])


def test_works_without_a_field_are_listed(open_fields) -> None:
    with open_fields(lambda messages: '{"show":["papers"],"without":["year"]}') as rag:
        answer = rag.ask("Show me every paper whose year nobody bothered to jot down")
        assert answer.kind == "collection"
        assert {citation.title for citation in answer.citations} == {"竹材防霉处理", None}
    assert replace(FieldQuestion("en", "list"), without=("year",)).without == ("year",)
