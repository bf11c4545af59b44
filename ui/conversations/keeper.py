"""What the Ask tab needs of the conversations: where a question goes, how its answer is saved, lost tabs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ui.chat.turn import Turn
from ui.conversations.database import ConversationsError
from ui.conversations.labels import BROKE_OFF
from ui.conversations.panel import notice_html
from ui.conversations.ratings import Ratings
from ui.conversations.saving import Saving
from ui.conversations.store import Conversations
from ui.patch import Patch

Turns = tuple[Turn, ...]


class Keeper:
    """The conversations and ratings of a page. Where the disk fails, the page goes on and says so."""

    def __init__(self, folder: Path | None) -> None:
        """Open what is in `folder`; keep everything in memory without one."""
        self.store = Conversations(folder)
        self.ratings = Ratings(folder)

    def begin(
        self, known: str, reader: str, past: Sequence[Turn], turn: Turn, *, again: bool = False
    ) -> Saving:
        """Save a question, and return what saves its answer; `known` is "" before the first question.

        Nothing is saved for a browser that cannot be told from others.
        """
        if not is_known(reader):
            return Saving(None, "", reader, len(past))
        try:
            place = self.store.begin(known or None, reader, past, turn, again=again)
        except ConversationsError as error:
            return Saving(None, known, reader, len(past), problem=error.label)
        return Saving(self.store, place, reader, len(past))

    def opened(self, known: str) -> tuple[str, Turns]:
        """Return the owner and the turns of a conversation, ("", ()) where there is none.

        A turn that was still being written when it was saved says that it broke off.
        """
        try:
            found = self.store.open(known) if known else None
        except ConversationsError:
            found = None
        if found is None:
            return "", ()
        return found[0].owner, tuple(turn.failed(BROKE_OFF) if turn.busy else turn for turn in found[1])

    def title(self, known: str) -> str:
        """Return the title of a conversation, "" where it has none that can be read."""
        try:
            found = self.store.find(known) if known else None
        except ConversationsError:
            found = None
        return found.title if found else ""

    def current(self, shown: str, known: str, turns: Turns) -> tuple[str, Turns]:
        """Return the conversation of a tab; `shown` is the one in its address.

        The server forgets a tab when it is restarted, or after an hour without a connection. What the tab
        shows is then read from the file.
        """
        if turns or not shown or shown == known:
            return known, turns
        return shown, self.opened(shown)[1]

    def stopped(self, known: str, reader: str, turns: Turns) -> None:
        """Save the last turn as the reader ended it."""
        if known and is_known(reader):
            Saving(self.store, known, reader, len(turns) - 1).saw(turns[-1])


def is_known(reader: str) -> bool:
    """Return whether a reader will be known when they come back: by an account, or a cookie."""
    return bool(reader) and not reader.startswith(("visit ", "at "))


def saved_patch(saving: Saving) -> Patch:
    """Return the address of what is saved, and why it could not be saved if it could not."""
    patch = {"past-notice": notice_html(saving.problem)} if saving.problem else {}
    return place_patch(saving.known) | patch


def place_patch(known: str) -> Patch:
    """Return what makes the address of the page name a conversation."""
    return {"place@data-c": known}
