"""One turn saved while it is written: at the question, at the sources, every second, at the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from ui.chat.turn import Turn
from ui.conversations.database import ConversationsError
from ui.conversations.store import Conversations
from ui.words import Label

# Longest time that written words stay unsaved, in seconds; lower writes more often.
SAVE_EVERY_S = 1.0


class Saving:
    """Keep turn number `position` (from 0) of conversation `known` up to date on the disk.

    `problem` says why the last state could not be saved; the answer goes on all the same.
    """

    def __init__(
        self,
        store: Conversations | None,
        known: str,
        owner: str,
        position: int,
        *,
        problem: Label | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with a turn that `store` has just been given; without a store nothing is saved."""
        self.known, self.problem = known, problem
        self._store, self._owner, self._position = store, owner, position
        self._clock, self._saved_at = clock, clock()
        self._saved: Turn | None = None
        self._last: Turn | None = None

    def saw(self, turn: Turn) -> None:
        """Take note of how the turn stands; save it when it ended, its sources came, or a second passed."""
        before, self._last = self._last, turn
        sources_came = turn.contexts is not None and (before is None or before.contexts is None)
        if not turn.busy or sources_came or self._clock() - self._saved_at >= SAVE_EVERY_S:
            self.finish()

    def finish(self) -> None:
        """Save what has not been saved; call it when no more is to come, also where the reader has left."""
        if self._store is None or self._last is None or self._last is self._saved:
            return
        self._saved, self._saved_at = self._last, self._clock()
        try:
            self._store.save(self.known, self._owner, self._last, self._position)
            self.problem = None
        except ConversationsError as error:
            self.problem = error.label
