"""The list of conversations as HTML, pure; every title is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby

from ui.conversations import labels
from ui.conversations.store import TITLE_CHARS, Conversation, Shelf
from ui.patch import button, does
from ui.words import Label


def frame_html() -> str:
    """Return the panel without its list, which is the reader's own and comes when the page is open."""
    search = labels.SEARCH.attribute("placeholder")  # its name too, for who cannot see it
    hide = ' popovertarget="past" popovertargetaction="hide"' + labels.CLOSE.attribute("aria-label")
    return (
        f'<nav id="past" popover{labels.PANEL.attribute("aria-label")}>'
        f'<div class="past-head"><h2>{labels.PANEL.html()}</h2>{button("", "icon icon-close", hide)}</div>'
        f"{button(labels.NEW.html(), 'past-new', does('past_new'))}"
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
    rename = labels.RENAME_ONE.of(title=title).attribute("aria-label")
    delete = labels.DELETE_ONE.of(title=title).attribute("aria-label")
    opens = does("past_open", c=known) + (" data-focus" if focus else "")
    return (
        f'<a href="?c={known}" class="past-link"{opens}>{escape(title)}</a>'
        + button("", "icon icon-pencil", does("past_rename_ask", c=known) + rename)
        + button("", "icon icon-bin", does("past_delete_ask", c=known) + delete)
    )


def rename_html(conversation: Conversation) -> str:
    """Return a form for another title in the place of the item."""
    known = conversation.id
    cancel = button(labels.CANCEL.html(), "act", " data-escape" + does("past_item", c=known))
    return (
        f'<form class="past-form"{does("past_rename", c=known)}>'
        f'<input name="title" value="{escape(conversation.title)}" maxlength="{TITLE_CHARS}" required '
        f'data-focus="all"{labels.TITLE.attribute("aria-label")}>'
        f'<div class="past-buttons"><button type="submit" class="yes">{labels.SAVE.html()}</button>{cancel}'
        "</div></form>"
    )


def delete_html(conversation: Conversation) -> str:
    """Return the question whether a conversation is to be deleted, in the place of its item."""
    title = f'<p class="past-title">{escape(conversation.title)}</p>'
    return _sure(title, labels.DELETE_SURE, "past_delete", conversation.id)


def delete_all_html(*, sure: bool = False) -> str:
    """Return the button that deletes every conversation; with `sure` the question whether it is meant."""
    if sure:
        return _sure("", labels.DELETE_ALL_SURE, "past_delete_all", "")
    return button(labels.DELETE_ALL.html(), "past-all", does("past_delete_all_ask"))


def _sure(title: str, asked: Label, action: str, known: str) -> str:
    """Return a question with two buttons; the keyboard begins at the one that keeps everything."""
    delete = button(labels.DELETE.html(), "warn", does(action, c=known))
    keep = button(labels.KEEP.html(), "act", " data-focus data-escape" + does("past_item", c=known))
    return (
        f'<div class="past-form" role="group">{title}<p>{asked.html()}</p>'
        f'<div class="past-buttons">{delete}{keep}</div></div>'
    )


def _days(shelf: Shelf, today: date) -> Iterator[str]:
    for day, conversations in groupby(shelf.conversations, key=_day):
        items = "".join(f'<li id="past-{one.id}">{item_html(one)}</li>' for one in conversations)
        yield f"<h3>{_day_label(day, today).html()}</h3><ul>{items}</ul>"


def _foot_html(shelf: Shelf, search: str) -> str:
    older = ""
    if len(shelf.conversations) < shelf.total:
        more = does("past_list", shown=2 * len(shelf.conversations), search=search)
        older = button(labels.OLDER.html(), "past-older", more)
    everything = "" if search.strip() else f'<div id="past-all">{delete_all_html()}</div>'
    return older + everything


def _day(conversation: Conversation) -> date:
    return datetime.fromtimestamp(conversation.changed).date()


def _day_label(day: date, today: date) -> Label:
    if day >= today:
        return labels.TODAY
    if day == today - timedelta(days=1):
        return labels.YESTERDAY
    return Label(f"{day.day} {day:%B %Y}", f"{day.year}年{day.month}月{day.day}日")
