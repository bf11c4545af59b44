"""Ratings of answers, kept as JSONL that `rag evaluate answers` reads (docs/conversations.md)."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rag import Answer
from ui.conversations.database import ConversationsError
from ui.conversations.labels import NOT_RATED

FILE = "ratings.jsonl"
REMARK_CHARS = 2000  # code points kept of a remark
_ID_CHARS = 16  # hexadecimal digits

Verdict = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Rating:
    """What a reader thinks of one answer; `verdict` None takes an earlier rating back."""

    verdict: Verdict | None
    remark: str = ""


class Ratings:
    """The file of ratings in `folder`, in memory only without one; safe to use from several threads.

    A later line on the same answer replaces an earlier one, so that nothing is ever rewritten.
    """

    def __init__(self, folder: Path | None) -> None:
        """Read what is there; a line that was cut short is left out."""
        self._path = folder / FILE if folder else None
        self._lock = threading.Lock()
        self._given: dict[str, Rating] = {}
        for record in _records(self._path):
            self._given[record["id"]] = Rating(record["rating"], record["remark"])

    def of(self, conversation: str, position: int, answer: Answer) -> Rating:
        """Return the rating of an answer; one without a verdict where there is none."""
        return self._given.get(_id(conversation, position, answer), Rating(None))

    def give(
        self,
        conversation: str,
        position: int,
        answer: Answer,
        rating: Rating,
        index: str,
        history: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Keep a rating of the answer that stands at `position` of a conversation.

        `index` names the state of the library that answered; `history` are the earlier turns. It is on disk
        when this returns.

        Raises:
            ConversationsError: it cannot be written.
        """
        name = _id(conversation, position, answer)
        rating = Rating(rating.verdict, rating.remark.strip()[:REMARK_CHARS])
        record = {
            "id": name,
            "question": answer.question,
            "history": [list(pair) for pair in history],
            "language": answer.language,
            "rating": rating.verdict,
            "remark": rating.remark,
            "answer": answer.answer,
            "refused": answer.refused,
            "citations": [citation.paper_id for citation in answer.citations],
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "index": index,
        }
        with self._lock:
            self._append(record)
            self._given[name] = rating

    def _append(self, record: dict[str, Any]) -> None:
        if self._path is None:
            return
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # One write at the end of the file, so that lines of two processes do not mix.
            file = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
            try:
                cut = os.fstat(file).st_size and os.pread(file, 1, os.fstat(file).st_size - 1) != b"\n"
                os.write(file, b"\n" + line if cut else line)
            finally:
                os.close(file)
        except OSError as error:
            raise ConversationsError(NOT_RATED.of(path=str(self._path), why=str(error.strerror))) from error


def _id(conversation: str, position: int, answer: Answer) -> str:
    """Return what names an answer without giving away the id of its conversation, which is a key to it."""
    parts = f"{conversation}\n{position}\n{answer.question}\n{answer.answer}"
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_CHARS]


def _records(path: Path | None) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().split(b"\n") if path and path.is_file() else []
    except OSError:  # said once a rating is given
        lines = []
    found = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.keys() >= {"id", "rating", "remark"}:
            found.append(record)
    return found
