"""One turn saved while it is written: at the question, at the sources, every second, at the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from ui.conversations.database import ConversationsError
from ui.conversations.store import Conversations
from ui.labels import Label
from ui.turn import Turn

# Longest time that written words stay unsaved, in seconds; lower writes more often.
SAVE_EVERY_S = 1.0


class Saving:
    """Keep turn number `position` of conversation `known` up to date on the disk.

    `problem` says why the last state could not be saved; the answer goes on all the same.
    """

    def __init__(
        self,
        store: Conversations,
        known: str,
        owner: str,
        position: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with a turn that `store` has just been given."""
        self.problem: Label | None = None
        self._store, self._place = store, (known, owner, position)
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
        if self._last is None or self._last == self._saved:
            return
        known, owner, position = self._place
        self._saved, self._saved_at = self._last, self._clock()
        try:
            self._store.save(known, owner, self._last, position)
            self.problem = None
        except ConversationsError as error:
            self.problem = error.label
