"""The conversations panel: its layout, and what happens when a conversation is opened, renamed or deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ui.chat.asking import models_of
from ui.chat.format import status_html
from ui.chat.room import ChatRoom, conversation_patch
from ui.conversations import labels
from ui.conversations import turns as turn_events
from ui.conversations.database import ConversationsError
from ui.conversations.fates import fates_of
from ui.conversations.keeper import Keeper, Turns, is_known, place_patch
from ui.conversations.panel import (
    delete_all_html,
    delete_html,
    frame_html,
    item_html,
    list_html,
    notice_html,
    rename_html,
)
from ui.conversations.store import PAGE, Conversation, Shelf
from ui.library.listing import scope_html
from ui.page import Event, Page
from ui.patch import Patch
from ui.words import Label


def place(page: Page) -> None:
    """Lay out the panel; it stands before the conversation, also for the keyboard."""
    page.html(frame_html(), "past-panel")


def build(page: Page, chat: ChatRoom, keeper: Keeper) -> None:
    """Wire the panel to the conversation that `chat` shows."""
    panel = Panel(page, keeper)
    shown = [page.turns, page.conversation, page.patch]
    opened = [page.turns, page.conversation, page.scope, page.patch]
    page.listen([page.app.load], panel.load, [], opened)
    page.on("past_open", panel.open, [], opened, cancels=[chat.answering], queue=False)
    for name, handler in (
        ("past_list", panel.list),
        ("past_item", panel.item),
        ("past_rename_ask", panel.rename_ask),
        ("past_rename", panel.rename),
        ("past_delete_ask", panel.delete_ask),
        ("past_delete_all_ask", panel.delete_all_ask),
    ):
        page.on(name, handler, [], [page.patch], queue=False)
    kept = [page.turns, page.conversation]
    page.on("past_delete", panel.delete, kept, shown, queue=False)
    page.on("past_delete_all", panel.delete_all, kept, shown, queue=False)
    turn_events.build(page, keeper)


@dataclass(frozen=True, slots=True)
class Panel:
    """The handlers of the panel; each reads and changes what belongs to the reader of the event only."""

    page: Page
    keeper: Keeper

    def load(self, event: Event) -> tuple[Any, ...]:
        """Show the conversation that the address names, and the list."""
        known = event.query.get("c", "")
        patch = self._listed(event.reader)
        if not known:
            return self.page.skip(), self.page.skip(), self.page.skip(), patch
        turns, known, scope, opened = self._opened(event.reader, known)
        return turns, known, scope, opened | patch

    def open(self, event: Event) -> tuple[Any, ...]:
        """Show another conversation, none where `c` is empty."""
        return self._opened(event.reader, _text(event, "c"))

    def list(self, event: Event) -> Patch:
        """Show the list again, as far as it was shown and the words that are searched for."""
        shown = event.values.get("shown")
        return self._listed(event.reader, _text(event, "search"), shown if isinstance(shown, int) else 0)

    def item(self, event: Event) -> Patch:
        """Show a conversation of the list as it was before something was asked in its place."""
        known = _text(event, "c")
        if not known:
            return {"past-all": delete_all_html()}
        found = self._own(event.reader, known)
        return {f"past-{known}": item_html(found, focus=True)} if found else self._listed(event.reader)

    def rename_ask(self, event: Event) -> Patch:
        """Ask for another title."""
        found = self._own(event.reader, _text(event, "c"))
        return {f"past-{found.id}": rename_html(found)} if found else self._listed(event.reader)

    def rename(self, event: Event) -> Patch:
        """Give a conversation another title."""
        known, search = _text(event, "c"), _text(event, "search")
        problem = self._try(lambda: self.keeper.store.rename(known, event.reader, _text(event, "title")))
        return self._listed(event.reader, search) | self.item(event) | _said(problem or labels.RENAMED)

    def delete_ask(self, event: Event) -> Patch:
        """Ask whether a conversation is to be deleted."""
        found = self._own(event.reader, _text(event, "c"))
        return {f"past-{found.id}": delete_html(found)} if found else self._listed(event.reader)

    def delete(self, event: Event, turns: Turns, open_now: str) -> tuple[Any, ...]:
        """Delete a conversation; the page is empty after it where it was the open one."""
        known = _text(event, "c")
        problem = self._try(lambda: self.keeper.store.delete(known, event.reader))
        patch = self._listed(event.reader, _text(event, "search")) | _said(problem or labels.DELETED)
        return self._after(patch, gone=known == open_now and problem is None)

    def delete_all_ask(self, event: Event) -> Patch:
        """Ask whether every conversation of the reader is to be deleted."""
        return {"past-all": delete_all_html(sure=True)}

    def delete_all(self, event: Event, turns: Turns, open_now: str) -> tuple[Any, ...]:
        """Delete every conversation of the reader."""
        own = self._own(event.reader, open_now) is not None
        total = self._shelf(event.reader).total
        problem = self._try(lambda: self.keeper.store.delete_all(event.reader) >= 0)
        patch = self._listed(event.reader) | _said(problem or labels.DELETED_ALL.of(total))
        return self._after(patch, gone=own and problem is None)

    def _after(self, patch: Patch, *, gone: bool) -> tuple[Any, ...]:
        if not gone:
            return self.page.skip(), self.page.skip(), patch
        return (), "", conversation_patch(()) | place_patch("") | {"shared": ""} | patch

    def _opened(self, reader: str, known: str) -> tuple[Turns, str, Any, Patch]:
        """Return the turns, the id, the papers that are asked, and the patch of a conversation.

        What was asked of chosen papers goes on with them; else the reader's choice stays.
        """
        owner, turns = self.keeper.opened(known)
        if known and not turns:
            nothing = conversation_patch(()) | {"said": status_html(labels.GONE), "shared": ""}
            return (), "", self.page.skip(), nothing | place_patch("")
        fates = fates_of(self.page.library, turns[-1]) if turns else {}
        models = models_of(self.page.library) if turns else ()
        patch = conversation_patch(turns, fates, models) | turn_events.shown_ratings(
            self.keeper.ratings, known, turns
        )
        foreign = bool(turns) and owner != reader
        shared = f'<p class="shared" role="note">{labels.SHARED.html()}</p>' if foreign else ""
        patch |= {"shared": shared} | place_patch(known)
        if not turns or not turns[-1].scope:
            return turns, known, self.page.skip(), patch
        return turns, known, turns[-1].scope, patch | {"scope": scope_html(turns[-1].scope)}

    def _own(self, reader: str, known: str) -> Conversation | None:
        found = self._shelf_of_one(known)
        return found if found and found.owner == reader else None

    def _shelf_of_one(self, known: str) -> Conversation | None:
        try:
            return self.keeper.store.find(known)
        except ConversationsError:
            return None

    def _shelf(self, reader: str, search: str = "", limit: int = PAGE) -> Shelf:
        try:
            return self.keeper.store.listed(reader, search, limit=limit) if is_known(reader) else Shelf((), 0)
        except ConversationsError:
            return Shelf((), 0)

    def _listed(self, reader: str, search: str = "", shown: int = 0) -> Patch:
        shelf = self._shelf(reader, search, max(PAGE, shown))
        notice = self.keeper.store.notice if is_known(reader) else labels.NO_READER
        found = labels.FOUND.of(shelf.total).html() if search.strip() else ""
        return {"past-list": list_html(shelf, search), "past-notice": notice_html(notice), "past-said": found}

    def _try(self, change: Any) -> Label | None:
        try:
            return None if change() else labels.GONE
        except ConversationsError as error:
            return error.label


def _said(label: Label) -> Patch:
    return {"past-said": label.html()}


def _text(event: Event, name: str) -> str:
    """Return a text that an action carries, empty where it carries none."""
    value = event.values.get(name)
    return value if isinstance(value, str) else ""
