"""What can be done with a turn: its question edited, its answer rated. The events below an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ui.chat.turn import Turn, history
from ui.conversations.acts import edit_html, rate_html, rating_patch
from ui.conversations.database import ConversationsError
from ui.conversations.keeper import Keeper, Turns
from ui.conversations.ratings import Rating, Ratings
from ui.page import Event, Page
from ui.patch import Patch


def build(page: Page, keeper: Keeper) -> None:
    """Wire the buttons below the answers, but for those that ask again: the Ask tab does that."""
    handlers = Handlers(page, keeper)
    kept = [page.turns, page.conversation]
    page.on("edit", handlers.edit, kept, [page.patch], queue=False)
    page.on("edit_end", handlers.edit_end, [], [page.patch], queue=False)
    page.on("rate", handlers.rate, kept, [page.patch], queue=False)
    page.on("remark", handlers.remark, kept, [page.patch], queue=False)


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers of the buttons below an answer."""

    page: Page
    keeper: Keeper

    def edit(self, event: Event, turns: Turns, known: str) -> Patch:
        """Show a form with the question of a turn."""
        found = self._turn(event, turns, known)
        return {f"edit-{found[1]}": edit_html(found[1], found[2])} if found else {}

    def edit_end(self, event: Event) -> Patch:
        """Take the form away again."""
        return {f"edit-{event.values.get('turn')}": ""}

    def rate(self, event: Event, turns: Turns, known: str) -> Patch:
        """Save a rating; the one that is given already is taken back."""
        verdict = event.values.get("verdict")
        found = self._turn(event, turns, known)
        if found is None or found[2].answer is None or verdict not in ("up", "down"):
            return {}
        before = self.keeper.ratings.of(found[0], found[1], found[2].answer)
        chosen = None if before.verdict == verdict else verdict
        return self._give(found, turns, Rating(chosen, before.remark if chosen else ""))

    def remark(self, event: Event, turns: Turns, known: str) -> Patch:
        """Save the words that go with a rating."""
        found = self._turn(event, turns, known)
        if found is None or found[2].answer is None:
            return {}
        before = self.keeper.ratings.of(found[0], found[1], found[2].answer)
        text = event.values.get("remark")
        rating = Rating(before.verdict, text if isinstance(text, str) else "")
        return self._give(found, turns, rating, remarked=True)

    def _give(
        self, found: tuple[str, int, Turn], turns: Turns, rating: Rating, *, remarked: bool = False
    ) -> Patch:
        known, number, turn = found
        if turn.answer is None:
            return {}
        index = self.page.library.state[0]
        past = history(turns[: number - 1])
        try:
            self.keeper.ratings.give(known, number, turn.answer, rating, index, past)
        except ConversationsError as error:
            return {f"rate-{number}": rate_html(number, rating, problem=error.label)}
        return rating_patch(number, rating, asked=not remarked, saved=rating.verdict is not None)

    def _turn(self, event: Event, turns: Turns, known: str) -> tuple[str, int, Turn] | None:
        """Return the conversation, the number from 1 and the turn that an action names."""
        known, turns = self.keeper.current(event.query.get("c", ""), known, turns)
        number = event.values.get("turn")
        if not isinstance(number, int) or not 1 <= number <= len(turns):
            return None
        return known, number, turns[number - 1]


def shown_ratings(ratings: Ratings, known: str, turns: Sequence[Turn]) -> Patch:
    """Return a patch with the ratings that the turns of a conversation have."""
    patch: Patch = {}
    for number, turn in enumerate(turns, 1):
        if turn.answer and (rating := ratings.of(known, number, turn.answer)).verdict:
            patch |= rating_patch(number, rating)
    return patch
