"""The list of conversations as HTML, pure; every title is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby

from ui.conversations import labels
from ui.conversations.icons import BIN, PENCIL
from ui.conversations.store import Conversation, Shelf
from ui.patch import does
from ui.words import Label


def frame_html() -> str:
    """Return the panel without its list, which is the reader's own and comes when the page is open."""
    search = labels.SEARCH.attribute("placeholder") + labels.SEARCH.attribute("aria-label")
    return (
        f'<nav id="past" popover{labels.PANEL.attribute("aria-label")}>'
        f'<div class="past-head"><h2>{labels.PANEL.html()}</h2>'
        '<button type="button" class="past-close" popovertarget="past" popovertargetaction="hide"'
        f'{labels.CLOSE.attribute("aria-label")}>×</button></div>'
        f'<button type="button" class="past-new"{does("past_new")}>{labels.NEW.html()}</button>'
        f'<input type="search" id="past-search" autocomplete="off"{search}>'
        '<div id="past-said" role="status"></div><div id="past-notice"></div><div id="past-list"></div></nav>'
        '<span id="place" data-c="" hidden></span>'
    )


def opener_html() -> str:
    """Return the button that shows the panel where the window is too narrow for it."""
    return f'<button type="button" id="past-open" popovertarget="past">{labels.PANEL.html()}</button>'


def notice_html(notice: Label | None) -> str:
    """Return what the reader has to know of the file of conversations."""
    return f'<p class="past-notice" role="note">{notice.html()}</p>' if notice else ""


def list_html(shelf: Shelf, search: str = "", today: date | None = None) -> str:
    """Return a page of the list, by days; `today` is the server's date unless it is given."""
    if not shelf.conversations:
        return f'<p class="past-empty">{(labels.NONE_FOUND if search.strip() else labels.EMPTY).html()}</p>'
    return "".join(_days(shelf, today or date.today())) + _foot_html(shelf, search)


def item_html(conversation: Conversation, *, focus: bool = False) -> str:
    """Return what the list shows of one conversation; with `focus` the keyboard goes on at its link."""
    known, title = conversation.id, conversation.title
    rename = labels.RENAME_ONE.of(title=title).attribute("aria-label") + labels.RENAME.attribute("title")
    delete = labels.DELETE_ONE.of(title=title).attribute("aria-label") + labels.DELETE.attribute("title")
    return (
        f'<a href="?c={known}" class="past-link"{does("past_open", c=known)}{_focus(focus)}>{escape(title)}</a>'
        f'<button type="button" class="past-act"{does("past_rename_ask", c=known)}{rename}>{PENCIL}</button>'
        f'<button type="button" class="past-act"{does("past_delete_ask", c=known)}{delete}>{BIN}</button>'
    )


def rename_html(conversation: Conversation) -> str:
    """Return a form for another title in the place of the item."""
    known = conversation.id
    return (
        f'<form class="past-form"{does("past_rename", c=known)}>'
        f'<input name="title" value="{escape(conversation.title)}" maxlength="120" required data-focus="all"'
        f'{labels.TITLE.attribute("aria-label")}>'
        f'<div class="past-buttons"><button type="submit" class="past-yes">{labels.SAVE.html()}</button>'
        f'<button type="button" data-escape{does("past_item", c=known)}>{labels.CANCEL.html()}</button></div></form>'
    )


def delete_html(conversation: Conversation) -> str:
    """Return the question whether a conversation is to be deleted, in the place of its item."""
    known = conversation.id
    return (
        f'<div class="past-form" role="group"><p class="past-title">{escape(conversation.title)}</p>'
        f"<p>{labels.DELETE_SURE.html()}</p>"
        f'<div class="past-buttons"><button type="button" class="past-warn"{does("past_delete", c=known)}>'
        f"{labels.DELETE.html()}</button><button "
        f'type="button" data-focus data-escape{does("past_item", c=known)}>{labels.KEEP.html()}</button></div></div>'
    )


def delete_all_html(total: int, *, sure: bool = False) -> str:
    """Return the button that deletes every conversation; with `sure` the question whether it is meant."""
    if not sure:
        return (
            f'<button type="button" class="past-all"{does("past_delete_all_ask")}>{labels.DELETE_ALL.html()}</button>'
        )
    return (
        f'<div class="past-form" role="group"><p>{labels.DELETE_ALL_SURE.of(total).html()}</p>'
        f'<div class="past-buttons"><button type="button" class="past-warn"{does("past_delete_all")}>'
        f"{labels.DELETE.html()}</button><button "
        f'type="button" data-focus data-escape{does("past_item")}>{labels.KEEP.html()}</button></div></div>'
    )


def _days(shelf: Shelf, today: date) -> Iterator[str]:
    for day, conversations in groupby(shelf.conversations, key=_day):
        items = "".join(f'<li id="past-{one.id}">{item_html(one)}</li>' for one in conversations)
        yield f"<h3>{_day_label(day, today).html()}</h3><ul>{items}</ul>"


def _foot_html(shelf: Shelf, search: str) -> str:
    older = ""
    if len(shelf.conversations) < shelf.total:
        more = does("past_list", shown=2 * len(shelf.conversations), search=search)
        older = f'<button type="button" class="past-older"{more}>{labels.OLDER.html()}</button>'
    everything = "" if search.strip() else f'<div id="past-all">{delete_all_html(shelf.total)}</div>'
    return older + everything


def _day(conversation: Conversation) -> date:
    return datetime.fromtimestamp(conversation.changed).date()


def _day_label(day: date, today: date) -> Label:
    if day >= today:
        return labels.TODAY
    if day == today - timedelta(days=1):
        return labels.YESTERDAY
    return Label(f"{day.day} {day:%B %Y}", f"{day.year}年{day.month}月{day.day}日")


def _focus(wanted: bool) -> str:
    return " data-focus" if wanted else ""
