"""Conversations in SQLite: saved, found, copied, deleted, and a file that is damaged, old or not writable."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.ui.conversations.turns import SNOW, answered, growing
from ui.chat.turn import Turn
from ui.conversations.database import STEPS, ConversationsError, Database
from ui.conversations.store import FILE, TITLE_CHARS, Conversations


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Conversations]:
    seconds = count(1000)
    conversations = Conversations(tmp_path, clock=lambda: float(next(seconds)))
    yield conversations
    conversations.close()


def titles(kept: Conversations, owner: str = "ann", search: str = "") -> list[str]:
    return [conversation.title for conversation in kept.listed(owner, search).conversations]


def turns_of(kept: Conversations, known: str) -> tuple[Turn, ...]:
    found = kept.open(known)
    assert found is not None
    return found[1]


def test_a_turn_comes_back_as_it_was_also_after_a_restart(kept, tmp_path) -> None:
    turn = answered("How large is the error?")
    known = kept.begin(None, "ann", (), growing("How large is the error?"))
    assert kept.save(known, "ann", turn, 0)
    kept.close()
    later = Conversations(tmp_path)
    assert turns_of(later, known) == (turn,)
    assert later.open("no such id") is None
    later.close()


def test_a_turn_that_was_being_written_keeps_what_was_written(kept) -> None:
    known = kept.begin(None, "ann", (), growing("How large?", "The error is"))
    [turn] = turns_of(kept, known)
    assert (turn.busy, turn.text) == (True, "The error is")
    assert turn.contexts is not None
    assert turn.contexts[0].paper == SNOW.paper


def test_a_state_that_cannot_be_read_costs_itself_only(kept, tmp_path) -> None:
    known = kept.begin(None, "ann", (), answered("First?"))
    kept.begin(known, "ann", (answered("First?"),), answered("Second?"))
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("UPDATE turn SET state = '{\"question\": 3}' WHERE position = 0")
    other.close()
    first, second = turns_of(kept, known)
    assert first.question == "First?"
    assert first.error is not None
    assert second == answered("Second?")


def test_what_another_version_stored_beside_does_no_harm(kept, tmp_path) -> None:
    known = kept.begin(None, "ann", (), answered("First?"))
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("UPDATE turn SET state = json_set(json_remove(state, '$.stopped'), '$.mood', 'fine')")
    other.close()
    assert turns_of(kept, known) == (answered("First?"),)


def test_ids_are_long_and_differ(kept) -> None:
    ids = {kept.begin(None, "ann", (), answered("Same?")) for _ in range(50)}
    assert len(ids) == 50
    assert all(len(known) >= 22 for known in ids)  # 128 bits in base 64


def test_an_answer_goes_on_and_a_retry_takes_its_place(kept) -> None:
    known = kept.begin(None, "ann", (), answered("First?"))
    assert kept.begin(known, "ann", (answered("First?"),), answered("Second?", "Bad [1].")) == known
    again = kept.begin(known, "ann", (answered("First?"),), answered("Second?", "Good [1]."), again=True)
    assert again == known
    assert [turn.text for turn in turns_of(kept, known)] == ["The error is 2.5 cm [1].", "Good [1]."]


def test_an_edited_question_branches_off_and_what_followed_stays(kept) -> None:
    first, second, third = answered("First?"), answered("Second?"), answered("Third?")
    known = kept.begin(None, "ann", (), first)
    kept.begin(known, "ann", (first,), second)
    kept.begin(known, "ann", (first, second), third)
    branch = kept.begin(known, "ann", (first,), growing("Second, edited?"))
    assert branch != known
    assert [turn.question for turn in turns_of(kept, branch)] == ["First?", "Second, edited?"]
    assert turns_of(kept, known) == (first, second, third)
    assert titles(kept) == ["Second, edited?", "First?"]


def test_two_windows_of_one_conversation_lose_nothing(kept) -> None:
    first = answered("First?")
    known = kept.begin(None, "ann", (), first)
    one = kept.begin(known, "ann", (first,), answered("From one window?"))
    other = kept.begin(known, "ann", (first,), answered("From the other?"))
    assert one == known != other
    assert [turn.question for turn in turns_of(kept, other)] == ["First?", "From the other?"]
    assert [turn.question for turn in turns_of(kept, known)] == ["First?", "From one window?"]


def test_a_link_can_be_read_and_goes_on_in_a_copy(kept) -> None:
    first = answered("First?")
    known = kept.begin(None, "ann", (), first)
    assert turns_of(kept, known) == (first,)
    copy = kept.begin(known, "bob", (first,), answered("And then?"))
    assert copy != known
    assert [turn.question for turn in turns_of(kept, copy)] == ["First?", "And then?"]
    assert turns_of(kept, known) == (first,)
    assert titles(kept, "ann") == ["First?"]
    assert titles(kept, "bob") == ["And then?"]


def test_only_the_owner_changes_a_conversation(kept) -> None:
    known = kept.begin(None, "ann", (), answered("First?"))
    assert not kept.rename(known, "bob", "Mine")
    assert not kept.delete(known, "bob")
    assert not kept.save(known, "bob", answered("Other?"), 0)
    assert kept.delete_all("bob") == 0
    assert titles(kept) == ["First?"]
    assert turns_of(kept, known) == (answered("First?"),)


def test_the_list_is_newest_first_in_pages(kept) -> None:
    known = [kept.begin(None, "ann", (), answered(f"Question {n}?")) for n in range(5)]
    kept.save(known[1], "ann", answered("Question 1?", "More."), 0)
    page = kept.listed("ann", limit=2)
    assert ([c.title for c in page.conversations], page.total) == (["Question 1?", "Question 4?"], 5)
    assert [c.title for c in kept.listed("ann", offset=4, limit=2).conversations] == ["Question 0?"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("depth", ["Snow depth?"]),
        ("DEPTH snow", ["Snow depth?"]),
        ("cm", ["冰川误差多大？", "Snow depth?"]),
        ("冰川", ["冰川误差多大？"]),
        ("误差多", ["冰川误差多大？"]),
        ("冰川 depth", []),
        ("大", ["冰川误差多大？"]),
        ('"depth" OR', []),
        ("de*", []),
        ("%", []),
        ("  ", ["冰川误差多大？", "Snow depth?"]),
    ],
)
def test_a_search_finds_titles_questions_and_answers_in_both_languages(kept, search, found) -> None:
    kept.begin(None, "ann", (), answered("Snow depth?"))
    kept.begin(None, "ann", (), answered("冰川误差多大？"))
    kept.begin(None, "bob", (), answered("Snow depth, cm, 冰川误差多大?"))
    assert titles(kept, search=search) == found


def test_a_search_follows_what_changes(kept) -> None:
    known = kept.begin(None, "ann", (), growing("First?"))
    assert titles(kept, search="permafrost") == []
    kept.save(known, "ann", answered("First?", "Permafrost thaws."), 0)
    assert titles(kept, search="permafrost") == ["First?"]
    kept.begin(known, "ann", (), answered("First?", "Sea ice melts."), again=True)
    assert titles(kept, search="permafrost") == []
    kept.rename(known, "ann", "Permafrost again")
    assert titles(kept, search="permafrost") == ["Permafrost again"]
    kept.delete(known, "ann")
    assert titles(kept, search="permafrost") == []
    assert titles(kept, search="sea ice") == []


def test_a_title_is_one_short_line_of_the_first_question(kept) -> None:
    known = kept.begin(None, "ann", (), answered("What  is\nthe error " + "really " * 100))
    [title] = titles(kept)
    assert title.startswith("What is the error really")
    assert title.endswith("really…")
    assert len(title) <= TITLE_CHARS
    assert not kept.rename(known, "ann", " \n ")
    assert kept.rename(known, "ann", " New\nname ")
    assert titles(kept) == ["New name"]


def test_what_is_deleted_is_gone_from_the_disk(kept, tmp_path) -> None:
    known = kept.begin(None, "ann", (), answered("Secretquestion?"))
    other = kept.begin(None, "ann", (), answered("Otherquestion?"))
    assert kept.delete(known, "ann")
    assert kept.open(known) is None
    assert titles(kept) == ["Otherquestion?"]
    assert kept.delete_all("ann") == 1
    assert kept.open(other) is None
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"question?" not in stored
    assert b"secretq" not in stored
    assert b"etq" not in stored  # the index of three letters
    assert b"SnowNet" not in stored


def test_a_deleted_conversation_is_not_brought_back_by_its_own_answer(kept) -> None:
    known = kept.begin(None, "ann", (), growing("First?"))
    kept.delete(known, "ann")
    assert not kept.save(known, "ann", answered("First?"), 0)
    assert titles(kept) == []


def test_a_turn_that_has_ended_is_not_brought_back_to_an_earlier_state(kept) -> None:
    known = kept.begin(None, "ann", (), growing("First?", "The error"))
    assert kept.save(known, "ann", growing("First?", "The error is").halted(), 0)
    assert kept.save(known, "ann", growing("First?", "The error"), 0)
    [turn] = turns_of(kept, known)
    assert (turn.stopped, turn.text) == (True, "The error is")
    kept.begin(known, "ann", (), growing("First?"), again=True)
    assert turns_of(kept, known)[0].busy


def test_a_conversation_that_is_gone_goes_on_in_a_new_one(kept) -> None:
    known = kept.begin(None, "ann", (), answered("First?"))
    kept.delete(known, "ann")
    place = kept.begin(known, "ann", (answered("First?"),), answered("Second?"))
    assert [turn.question for turn in turns_of(kept, place)] == ["First?", "Second?"]


def test_threads_write_at_once(kept) -> None:
    def write(owner: str) -> None:
        known = kept.begin(None, owner, (), growing("First?"))
        for n in range(20):
            kept.save(known, owner, growing("First?", f"Word {n}"), 0)

    threads = [threading.Thread(target=write, args=(f"reader {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(8):
        [conversation] = kept.listed(f"reader {n}").conversations
        assert turns_of(kept, conversation.id)[0].text == "Word 19"


def _write_ten(folder: Path) -> None:
    kept = Conversations(folder)
    for n in range(10):
        kept.begin(None, "ann", (), answered(f"Question {n}?"))
    kept.close()


def test_processes_write_at_once(tmp_path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_write_ten, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    kept = Conversations(tmp_path)
    assert kept.listed("ann").total == 20
    kept.close()


def test_only_this_account_of_the_machine_may_read_the_file(kept, tmp_path) -> None:
    kept.begin(None, "ann", (), answered("First?"))
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_a_damaged_file_is_set_aside_with_one_sentence(tmp_path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 1000)
    kept = Conversations(tmp_path)
    assert kept.notice is not None
    assert kept.notice.en.count(".") == 2  # the file's name and the end
    assert kept.notice.zh.endswith("。")
    kept.begin(None, "ann", (), answered("First?"))
    assert titles(kept) == ["First?"]
    [aside] = tmp_path.glob("*damaged*")
    assert aside.read_bytes().startswith(b"no database")
    kept.close()


def test_a_file_that_is_damaged_while_it_is_open_is_set_aside_too(tmp_path) -> None:
    kept = Conversations(tmp_path)
    for n in range(30):
        kept.begin(None, "ann", (), answered(f"Question {n}?"))
    kept.close()
    kept = Conversations(tmp_path)
    size = (tmp_path / FILE).stat().st_size
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    with pytest.raises(ConversationsError, match="damaged"):
        kept.begin(None, "ann", (), answered("More?"))
    kept.begin(None, "ann", (), answered("After?"))
    assert titles(kept) == ["After?"]
    kept.close()


def test_a_file_that_cannot_be_written_is_said_and_nothing_breaks(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    kept = Conversations(tmp_path / "file")
    assert kept.notice is not None
    assert "RAG_CONVERSATIONS" in kept.notice.en
    kept.begin(None, "ann", (), answered("First?"))
    assert titles(kept) == ["First?"]


def test_an_older_file_is_upgraded_and_a_newer_one_left_alone(tmp_path) -> None:
    path = tmp_path / FILE
    old = Conversations(tmp_path)
    known = old.begin(None, "ann", (), answered("First?"))
    old.close()
    newer = Database(path, (*STEPS, "ALTER TABLE conversation ADD COLUMN pinned INTEGER NOT NULL DEFAULT 1;"))
    with newer.transaction() as connection:
        assert connection.execute("SELECT id, pinned FROM conversation").fetchall() == [(known, 1)]
    newer.close()
    kept = Conversations(tmp_path)
    assert kept.notice is not None
    assert "newer version" in kept.notice.en
    assert titles(kept) == []
    kept.begin(None, "ann", (), answered("Not kept?"))
    kept.close()
    again = Database(path, (*STEPS, ""))
    with again.transaction() as connection:
        assert connection.execute("SELECT title FROM conversation").fetchall() == [("First?",)]
    again.close()
