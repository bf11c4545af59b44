"""Conversations kept in SQLite: begun, saved as they grow, listed, searched, renamed, deleted.

Whoever knows the id of a conversation may read it; only its owner may change it.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ui.chat.turn import Turn
from ui.conversations.database import Database
from ui.conversations.states import fold, from_json, to_json, words_of
from ui.words import Label

FILE = "conversations.sqlite"
_ID_BYTES = 16  # 128 bits: an id cannot be guessed, so a link is as good as a key
TITLE_CHARS = 120  # code points kept of a title; the panel cuts it to its width
PAGE = 50  # conversations a page of the list
# The index is of three letters at a time; shorter words, such as most Chinese ones, are found without it.
_INDEXED_CHARS = 3


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the list says of a conversation; times are seconds since 1970."""

    id: str
    owner: str
    title: str
    created: float
    changed: float


@dataclass(frozen=True, slots=True)
class Shelf:
    """A page of the list, last changed first, and how many conversations there are in all."""

    conversations: tuple[Conversation, ...]
    total: int


class Conversations:
    """The conversations of every reader; safe to use from several threads and processes.

    Every method raises ConversationsError, one sentence with the remedy, where the file cannot be used.
    """

    def __init__(self, folder: Path | None, clock: Callable[[], float] = time.time) -> None:
        """Open the conversations in `folder`, in memory without one; `clock` tells the time."""
        self._database = Database(folder / FILE if folder else None)
        self._clock = clock

    @property
    def notice(self) -> Label | None:
        """What the reader has to know of the file: it was damaged, or nothing is kept; else None."""
        return self._database.notice

    def begin(
        self, known: str | None, owner: str, past: Sequence[Turn], turn: Turn, *, again: bool = False
    ) -> str:
        """Save `turn` after the turns `past` that the reader sees; return the id of where it was put.

        It goes on conversation `known` where it can. Nothing is ever overwritten, except that with `again`
        the last turn gives way to its retry. A new conversation is made of `past` where `known` is gone or
        another reader's, or has more turns (an earlier question was edited, or another window went on).
        """
        with self._database.transaction() as connection:
            there = _find(connection, known) if known else None
            taken = _count(connection, there.id) if there else 0
            if there and there.owner == owner and taken in (len(past), len(past) + again):
                self._put(connection, there.id, len(past), turn)
                return there.id
            place = self._create(connection, owner, title_of(turn.question))
            for position, shown in enumerate((*past, turn)):
                self._put(connection, place, position, shown)
        return place

    def save(self, known: str, owner: str, turn: Turn, position: int) -> bool:
        """Save a turn as it stands now; return False where the conversation has been deleted meanwhile.

        A turn that has ended stays as it is. A search finds the text of a turn once it has ended.
        """
        with self._database.transaction() as connection:
            there = _find(connection, known)
            if there is None or there.owner != owner:
                return False
            row = connection.execute(_ENDED, (known, position)).fetchone()
            if row and not (row[0] and turn.busy):
                self._put(connection, known, position, turn)
            return row is not None

    def find(self, known: str) -> Conversation | None:
        """Return what the list says of a conversation, None where there is none of that id."""
        with self._database.transaction() as connection:
            return _find(connection, known)

    def open(self, known: str) -> tuple[Conversation, tuple[Turn, ...]] | None:
        """Return a conversation and its turns, None where there is none of that id."""
        with self._database.transaction() as connection:
            there = _find(connection, known)
            query = "SELECT question, state FROM turn WHERE conversation = ? ORDER BY position"
            rows = connection.execute(query, (known,)).fetchall()
        return (there, tuple(from_json(*row) for row in rows)) if there else None

    def listed(self, owner: str, search: str = "", offset: int = 0, limit: int = PAGE) -> Shelf:
        """Return the conversations of `owner` whose titles, questions or answers hold every searched word."""
        conditions, values = ["owner = ?"], [owner]
        for word in fold(search).split():
            conditions.append(_WORD if len(word) >= _INDEXED_CHARS else _SHORT_WORD)
            values += [word, _quoted(word) if len(word) >= _INDEXED_CHARS else word]
        where = f"FROM conversation WHERE {' AND '.join(conditions)}"
        with self._database.transaction() as connection:
            total = connection.execute(f"SELECT count(*) {where}", values).fetchone()[0]
            page = f"SELECT {_FIELDS} {where} ORDER BY changed DESC, id LIMIT ? OFFSET ?"
            rows = connection.execute(page, [*values, limit, offset]).fetchall()
        return Shelf(tuple(Conversation(*row) for row in rows), total)

    def rename(self, known: str, owner: str, title: str) -> bool:
        """Give a conversation another title; return False where it is not there, or the title is empty."""
        title = title_of(title)
        with self._database.transaction() as connection:
            query = "UPDATE conversation SET title = ?, folded = ? WHERE id = ? AND owner = ?"
            return bool(title) and connection.execute(query, (title, fold(title), known, owner)).rowcount > 0

    def delete(self, known: str, owner: str) -> bool:
        """Delete a conversation for good; return False where it is not there."""
        with self._database.transaction() as connection:
            query = "DELETE FROM conversation WHERE id = ? AND owner = ?"
            gone = connection.execute(query, (known, owner)).rowcount > 0
        self._database.forget()
        return gone

    def delete_all(self, owner: str) -> int:
        """Delete every conversation of `owner` for good; return how many there were."""
        with self._database.transaction() as connection:
            gone = connection.execute("DELETE FROM conversation WHERE owner = ?", (owner,)).rowcount
        self._database.forget()
        return gone

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _create(self, connection: sqlite3.Connection, owner: str, title: str) -> str:
        known, now = secrets.token_urlsafe(_ID_BYTES), self._clock()
        row = (known, owner, title, fold(title), now, now)
        connection.execute("INSERT INTO conversation VALUES (?, ?, ?, ?, ?, ?)", row)
        return known

    def _put(self, connection: sqlite3.Connection, known: str, position: int, turn: Turn) -> None:
        row = (known, position, turn.question, to_json(turn), not turn.busy, fold(turn.question))
        connection.execute(_UPSERT, row)
        if not turn.busy:
            query = "UPDATE turn SET words = ? WHERE conversation = ? AND position = ?"
            connection.execute(query, (words_of(turn), known, position))
        connection.execute("UPDATE conversation SET changed = ? WHERE id = ?", (self._clock(), known))


def title_of(text: str) -> str:
    """Return a title made of a question, or of what a reader wrote: one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARS:
        return line
    cut = line[: TITLE_CHARS - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut) + "…"


_FIELDS = "id, owner, title, created, changed"
_ENDED = "SELECT ended FROM turn WHERE conversation = ? AND position = ?"
_UPSERT = """
    INSERT INTO turn (conversation, position, question, state, ended, words) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (conversation, position)
    DO UPDATE SET question = excluded.question, state = excluded.state, ended = excluded.ended
"""
_WORD = """(instr(folded, ?) OR id IN (
    SELECT conversation FROM turn JOIN spoken ON spoken.rowid = turn.number WHERE spoken MATCH ?))"""
_SHORT_WORD = """(instr(folded, ?) OR EXISTS (
    SELECT 1 FROM turn WHERE conversation = conversation.id AND instr(turn.words, ?)))"""


def _find(connection: sqlite3.Connection, known: str) -> Conversation | None:
    row = connection.execute(f"SELECT {_FIELDS} FROM conversation WHERE id = ?", (known,)).fetchone()
    return Conversation(*row) if row else None


def _count(connection: sqlite3.Connection, known: str) -> int:
    return int(connection.execute("SELECT count(*) FROM turn WHERE conversation = ?", (known,)).fetchone()[0])


def _quoted(word: str) -> str:
    """Return a word as a phrase of FTS5, so that nothing in it is an operator."""
    return '"' + word.replace('"', '""') + '"'
