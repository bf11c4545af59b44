"""The SQLite file of the conversations: opened, upgraded, and set aside where it is damaged."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from rag import RagError
from ui.conversations.labels import DAMAGED, NEWER, NOT_KEPT, UNUSABLE
from ui.words import Label

# How long a write waits for another process that is writing, in seconds; higher holds up the page longer.
_BUSY_S = 2.0
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# One entry a version, in order; `user_version` in the file says how many have been run. Never edit one.
STEPS = (
    """
    CREATE TABLE conversation (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, folded TEXT NOT NULL,
        created REAL NOT NULL, changed REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX conversation_by_owner ON conversation (owner, changed);
    CREATE TABLE turn (
        number INTEGER PRIMARY KEY,
        conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
        position INTEGER NOT NULL, question TEXT NOT NULL, state TEXT NOT NULL,
        ended INTEGER NOT NULL, words TEXT NOT NULL,
        UNIQUE (conversation, position)
    );
    CREATE VIRTUAL TABLE spoken USING fts5 (
        words, content='turn', content_rowid='number', tokenize='trigram'
    );
    CREATE TRIGGER turn_inserted AFTER INSERT ON turn BEGIN
        INSERT INTO spoken (rowid, words) VALUES (new.number, new.words);
    END;
    CREATE TRIGGER turn_deleted AFTER DELETE ON turn BEGIN
        INSERT INTO spoken (spoken, rowid, words) VALUES ('delete', old.number, old.words);
    END;
    CREATE TRIGGER turn_updated AFTER UPDATE OF words ON turn BEGIN
        INSERT INTO spoken (spoken, rowid, words) VALUES ('delete', old.number, old.words);
        INSERT INTO spoken (rowid, words) VALUES (new.number, new.words);
    END;
    """,
)


class ConversationsError(RagError):
    """The conversations cannot be read or written; `label` is one sentence with the remedy."""

    def __init__(self, label: Label) -> None:
        """Say why, in both languages."""
        super().__init__(label.en)
        self.label = label


class Database:
    """One SQLite file, or memory without a `path`; safe to use from several threads and processes.

    `notice` is one sentence where the file could not be used as it was, else None.
    """

    def __init__(self, path: Path | None, steps: Sequence[str] = STEPS) -> None:
        """Open or create the file at `path`, and bring one of an older version up to date.

        A damaged file is renamed. A file that cannot be used, or that a newer version wrote, is left alone;
        conversations are then kept in memory only.
        """
        self.path = path
        self.notice: Label | None = None
        self._steps = steps
        self._lock = threading.RLock()
        self._connection = self._open()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside a transaction that writes; an exception undoes what was done in it.

        Raises:
            ConversationsError: the file cannot be written, or it was damaged and has been set aside.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                self._undo()
                if isinstance(error, sqlite3.IntegrityError):
                    raise
                raise self._failed(error) from error
            except BaseException:
                self._undo()
                raise

    def forget(self) -> None:
        """Remove what was deleted from the disk too: from the index of words, and from the log of changes."""
        with self.transaction() as connection:
            connection.execute("INSERT INTO spoken (spoken) VALUES ('optimize')")
        with self._lock, suppress(sqlite3.Error):  # another process reads: it leaves with its next change
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def _failed(self, error: sqlite3.DatabaseError) -> ConversationsError:
        if self.path is not None and _is_damaged(error):
            self._connection.close()
            self._set_aside(self.path)
            self._connection = self._open()
            if self.notice:
                return ConversationsError(self.notice)
        return ConversationsError(UNUSABLE.of(why=str(error)))

    def _open(self) -> sqlite3.Connection:
        if self.path is None:
            return self._in_memory()
        try:
            _make_private(self.path)
            try:
                return _connected(str(self.path), self._steps)
            except sqlite3.DatabaseError as error:
                if not _is_damaged(error):
                    raise
                self._set_aside(self.path)
                return _connected(str(self.path), self._steps)
        except ConversationsError:
            self.notice = NEWER.of(path=str(self.path))
            return self._in_memory()
        except (OSError, sqlite3.DatabaseError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            self.notice = NOT_KEPT.of(why=str(why), path=str(self.path))
            return self._in_memory()

    def _in_memory(self) -> sqlite3.Connection:
        return _connected(":memory:", self._steps)

    def _set_aside(self, path: Path) -> None:
        """Rename a damaged file and what SQLite keeps beside it."""
        aside = path.with_name(f"{path.stem}-damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{path}{ending}", f"{aside}{ending}")
        _make_private(path)
        self.notice = DAMAGED.of(name=aside.name)


def _make_private(path: Path) -> None:
    """Create the file, where there is none, so that other accounts of the machine cannot read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _is_damaged(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _connected(name: str, steps: Sequence[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what a reader deletes is gone from the disk too
        connection.execute("PRAGMA synchronous = NORMAL")
        with closing(connection.execute("PRAGMA journal_mode = WAL")):
            pass
        _upgrade(connection, steps)
    except BaseException:
        connection.close()
        raise
    return connection


def _upgrade(connection: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Run the steps that this file has not seen; another process may be doing the same."""
    if _version(connection) < len(steps):
        connection.execute("BEGIN EXCLUSIVE")
        for step in steps[_version(connection) :]:
            for statement in _statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    if _version(connection) > len(steps):
        raise ConversationsError(NEWER)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements; `executescript` would commit the transaction that they stand in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
