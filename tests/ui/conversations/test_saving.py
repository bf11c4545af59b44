"""A turn saved while it is written."""

from __future__ import annotations

from tests.ui.conversations.turns import answered, growing
from ui.chat.turn import Turn
from ui.conversations.database import ConversationsError
from ui.conversations.labels import UNUSABLE
from ui.conversations.saving import SAVE_EVERY_S, Saving
from ui.conversations.store import Conversations


class Counted(Conversations):
    """Conversations in memory that count what is saved."""

    def __init__(self) -> None:
        super().__init__(None)
        self.saved: list[str] = []
        self.broken = False

    def save(self, known: str, owner: str, turn: Turn, position: int) -> bool:
        if self.broken:
            raise ConversationsError(UNUSABLE.of(why="disk full"))
        self.saved.append(turn.text)
        return super().save(known, owner, turn, position)


def begun() -> tuple[Counted, Saving, list[float]]:
    store, now = Counted(), [0.0]
    known = store.begin(None, "ann", (), Turn("How?"))
    return store, Saving(store, known, "ann", 0, clock=lambda: now[0]), now


def test_it_is_saved_at_the_sources_every_second_and_at_the_end() -> None:
    store, saving, now = begun()
    saving.saw(Turn("How?"))
    assert store.saved == []
    saving.saw(growing("How?"))
    assert store.saved == [""]
    for tenth in range(25):
        now[0] = tenth / 10
        saving.saw(growing("How?", f"{tenth} tenths"))
    assert store.saved == ["", "10 tenths", "20 tenths"]
    saving.saw(answered("How?", "All of it."))
    assert store.saved[3:] == ["All of it."]
    saving.finish()
    assert len(store.saved) == 4
    assert SAVE_EVERY_S == 1


def test_what_was_written_last_is_saved_when_the_reader_leaves() -> None:
    store, saving, _ = begun()
    saving.saw(growing("How?"))
    saving.saw(growing("How?", "Half of"))
    saving.finish()
    assert store.saved == ["", "Half of"]


def test_a_full_disk_does_not_end_the_answer() -> None:
    store, saving, _ = begun()
    store.broken = True
    saving.saw(growing("How?"))
    assert saving.problem == UNUSABLE.of(why="disk full")
    store.broken = False
    saving.saw(answered("How?"))
    assert saving.problem is None
