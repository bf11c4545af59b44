"""The line before the model: fair among readers, left from any thread, bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import UserError
from rag.pipeline import RAG
from rag.schema import SourcesEvent
from tests.conftest import ScriptedLLM
from ui.line import MOST_OF_A_READER, MOST_WAITING, Line, Ticket


def begin(ticket: Ticket, done: Callable[[Ticket], None] = lambda _: None) -> threading.Thread:
    """Wait for the turn in a thread; return once the ticket is in the line."""

    def run() -> None:
        if ticket.wait():
            done(ticket)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 5
    while thread.is_alive() and not ticket.place:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return thread


def order_of(readers: str) -> str:
    """Return in which order questions are served that `readers` ask while an outsider has the model."""
    line, served = Line(), list[str]()
    first = line.ticket("outsider")
    assert first.wait()

    def serve(ticket: Ticket) -> None:
        served.append(ticket.reader)
        ticket.leave()

    threads = [begin(line.ticket(reader), serve) for reader in readers]
    first.leave()
    for thread in threads:
        thread.join(5)
    return "".join(served)


@pytest.mark.parametrize(
    ("asked", "served"), [("abc", "abc"), ("aaab", "abaa"), ("aabbc", "abcab"), ("aaa", "aaa")]
)
def test_each_reader_has_a_turn_before_one_has_two(asked: str, served: str) -> None:
    assert order_of(asked) == served


@settings(max_examples=30, deadline=None)
@given(st.text("abcd", max_size=12))
def test_nobody_is_forgotten_and_nobody_is_overtaken_twice_by_the_same(asked: str) -> None:
    served = order_of(asked)
    assert sorted(served) == sorted(asked)
    for reader in set(asked):
        until_first = served[: served.index(reader)]
        assert all(until_first.count(other) <= 1 for other in asked)


def test_a_late_reader_goes_before_the_rest_of_a_long_list() -> None:
    line = Line()
    current = line.ticket("a")
    assert current.wait()
    more = [line.ticket("a") for _ in range(5)]
    for ticket in more:
        begin(ticket)
    current.leave()
    late = line.ticket("b")
    begin(late)
    assert late.place == 1
    assert [ticket.place for ticket in more] == [0, 2, 3, 4, 5]


def test_the_place_counts_down_and_leaving_moves_the_others_up() -> None:
    line = Line()
    tickets = [line.ticket(reader) for reader in "abcd"]
    assert tickets[0].place == 0
    assert tickets[0].wait()
    threads = [begin(ticket) for ticket in tickets[1:]]
    assert [ticket.place for ticket in tickets] == [0, 1, 2, 3]
    tickets[2].leave()
    threads[1].join(5)
    assert not threads[1].is_alive(), "who waits finds that the place was given up"
    assert [ticket.place for ticket in tickets] == [0, 1, 0, 2]
    tickets[0].leave()
    threads[0].join(5)
    assert [ticket.place for ticket in tickets] == [0, 0, 0, 1]
    assert tickets[1].wait(), "the turn is kept until it is given up"
    assert not tickets[2].wait()


def test_a_model_that_takes_several_takes_one_of_each_reader() -> None:
    line = Line(lambda: 2)
    first, second, other = line.ticket("a"), line.ticket("a"), line.ticket("b")
    assert first.wait()
    begin(second)
    assert other.wait(), "the second place is for another reader"
    assert second.place == 1
    other.leave()
    assert second.place == 1
    first.leave()
    assert second.wait()


def test_too_many_are_told_to_come_back() -> None:
    line = Line()
    assert line.ticket("a").wait()
    for _ in range(MOST_OF_A_READER):
        begin(line.ticket("b"))
    with pytest.raises(UserError, match=r"your questions .* ask again"):
        line.ticket("b").wait()
    for number in range(MOST_WAITING - MOST_OF_A_READER):
        begin(line.ticket(f"reader {number}"))
    with pytest.raises(UserError, match="Too many questions"):
        line.ticket("c").wait()


def test_the_sources_come_at_once_and_the_model_is_waited_for(open_rag: Callable[..., RAG]) -> None:
    rag, line = open_rag(), Line()
    llm = rag.llm = ScriptedLLM(lambda _: "It reaches an FID of 6.06 on CC3M.")
    before = line.ticket("before")
    assert before.wait()
    ticket = line.ticket("reader")
    events = rag.ask("What FID does Muse reach on CC3M?", stream=True, turn=ticket)
    assert any(isinstance(event, SourcesEvent) for event in events), "found before the turn has come"
    assert not ticket.place
    thread = threading.Thread(target=lambda: list(events))
    thread.start()
    while not ticket.place:
        time.sleep(0.001)
    assert llm.chats == []
    before.leave()
    thread.join(5)
    assert llm.chats
    after = line.ticket("after")
    assert after.wait(), "the end of an answer gives the turn up"


def test_a_question_abandoned_in_the_line_never_reaches_the_model(open_rag: Callable[..., RAG]) -> None:
    rag, line = open_rag(), Line()
    llm = rag.llm = ScriptedLLM(lambda _: "It reaches an FID of 6.06 on CC3M.")
    before, ticket = line.ticket("before"), line.ticket("reader")
    assert before.wait()
    events = rag.ask("What FID does Muse reach on CC3M?", stream=True, turn=ticket)
    thread = threading.Thread(target=lambda: list(events))
    thread.start()
    while not ticket.place:
        time.sleep(0.001)
    events.close()
    thread.join(1)
    assert not thread.is_alive()
    before.leave()
    assert llm.chats == []
