"""The line before the language model: whose question it takes next, and how many go before one's own.

Everyone sees their sources at once; only the model is waited for. A question of a reader who has none in the
line goes before the second one of another reader, otherwise who came first goes first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

from rag import UserError

# Questions that wait, of all readers together; each holds its sources in memory, some 100 KB.
MOST_WAITING = 200
# Questions of one reader that wait: several tabs, or a program that asks many at once.
MOST_OF_A_READER = 20


class Line:
    """Questions that wait for a model which takes `at_once()` of them at a time; any thread may use it."""

    def __init__(self, at_once: Callable[[], int] = lambda: 1) -> None:
        """Serve `at_once()` questions at a time, asked anew each time, for the model may be exchanged."""
        self._at_once = at_once
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._served: list[Ticket] = []
        self._round = 0
        self._numbers = count()

    def ticket(self, reader: str) -> Ticket:
        """Return a ticket for one question of `reader`; it is in the line once it waits."""
        return Ticket(self, reader)

    def _join(self, ticket: Ticket) -> None:
        """Find the ticket's round: one after the latest of its reader, and none that has passed."""
        own = [other.order[0] for other in (*self._waiting, *self._served) if other.reader == ticket.reader]
        waiting = sum(other.reader == ticket.reader for other in self._waiting)
        if waiting >= MOST_OF_A_READER or len(self._waiting) >= MOST_WAITING:
            whose = "of your questions" if waiting >= MOST_OF_A_READER else "questions"
            raise UserError(f"Too many {whose} are waiting for the model; ask again in a minute.")
        ticket.order = (max([self._round, *(number + 1 for number in own)]), next(self._numbers))
        self._waiting.append(ticket)
        self._waiting.sort(key=lambda other: other.order)

    def _serve(self) -> None:
        """Call as many as the model takes, never two of one reader."""
        for ticket in list(self._waiting):
            if len(self._served) >= self._at_once():
                break
            if all(other.reader != ticket.reader for other in self._served):
                self._waiting.remove(ticket)
                self._served.append(ticket)
                self._round = max(self._round, ticket.order[0])
        self._changed.notify_all()


class Ticket:
    """One question's place in a line. Use it as a context manager, so that the place is always given up."""

    def __init__(self, line: Line, reader: str) -> None:
        """Belong to `line`; `Line.ticket` makes tickets."""
        self.reader = reader
        self.order = (0, 0)
        self._line = line
        self._left = False

    @property
    def place(self) -> int:
        """How many questions the model takes until it has taken this one; 0 while it does not wait."""
        with self._line._changed:
            waiting = self._line._waiting
            return waiting.index(self) + 1 if self in waiting else 0

    def wait(self) -> bool:
        """Wait for the turn, and return whether it has come: False once the ticket has left.

        Who has the turn keeps it until `leave`, and waits for nothing when asking for it again.

        Raises:
            UserError: too many wait already.
        """
        line = self._line
        with line._changed:
            if not self._left and self not in line._served and self not in line._waiting:
                line._join(self)
                line._serve()
            line._changed.wait_for(lambda: self._left or self in line._served)
            return not self._left

    def leave(self) -> None:
        """Give up the turn or the place for good; any thread may do so, also while another one waits."""
        line = self._line
        with line._changed:
            self._left = True
            for tickets in (line._waiting, line._served):
                if self in tickets:
                    tickets.remove(self)
            line._serve()

    def __enter__(self) -> Ticket:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.leave()
