"""The list of works and the filters as HTML, pure. Every string that is not ours is escaped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape

from rag import Paper, PaperPage
from ui.chat.paper import byline, title_line
from ui.library import labels
from ui.library.browsing import ORDERS, PAGE, Browsing
from ui.patch import does
from ui.text.clip import clipped
from ui.text.typeset import typeset
from ui.words import Label

Facets = Mapping[str, Sequence[tuple[str, int]]]

# Values of a field that are shown at once; the others open.
_SHOWN = 6
# Characters of an abstract in the list.
_SNIPPET = {"en": 240, "zh": 110}
# Works that may be chosen at once.
_MOST_CHOSEN = 500


def list_html(page: PaperPage, browsing: Browsing, chosen: Collection[str], total: int, may_add: bool) -> str:
    """Return the works of a page with what is said above and below; `total` is the size of the library."""
    if not total:
        return empty_html(may_add)
    if not page.total:
        return f'<p class="none">{labels.NOTHING.html()}</p>'
    items = "".join(_item(work, chosen) for work in page.works)
    return f'<ol class="works" start="{browsing.offset + 1}">{items}</ol>{_pager(page, browsing)}'


def head_html(page: PaperPage, browsing: Browsing) -> str:
    """Return the count, the filters that are on, and the order."""
    count = labels.NEAREST if page.nearest else labels.FOUND.of(page.total)
    on = "".join(_on(name, value) for name, value in browsing.on)
    clear = _button("all_filters_off", labels.WITHOUT, "plain") if browsing.on else ""
    now = "year" if browsing.order == "relevance" and not browsing.query else browsing.order
    orders = "".join(
        f'<button type="button" aria-pressed="{str(order == now).lower()}"'
        f"{does('order', order=order)}>{labels.ORDERS[order].html()}</button>"
        for order in ORDERS
        if order != "relevance" or browsing.query
    )
    every = ""
    if 1 < page.total <= _MOST_CHOSEN and not page.nearest:
        every = _button("choose_found", labels.CHOOSE_ALL.of(page.total), "plain")
    return (
        f'<p class="count" role="status">{count.html()}</p><div class="on">{on}{clear}</div>{every}'
        f'<div class="orders" role="group"{labels.ORDER.attribute("aria-label")}>'
        f'<span aria-hidden="true">{labels.ORDER.html()}</span>{orders}</div>'
    )


def empty_html(may_add: bool) -> str:
    """Return what is said of a library that holds nothing."""
    invites = labels.EMPTY_INVITES if may_add else labels.EMPTY_WAITS
    opens = 'class="go" data-opens="room-library view-add"'
    add = f'<button type="button" {opens}>{labels.VIEW_ADD.html()}</button>'
    return (
        f'<div class="empty-library"><p class="says">{labels.EMPTY.html()}</p><p>{invites.html()}</p>'
        f"{add if may_add else ''}</div>"
    )


def filters_html(facets: Facets, browsing: Browsing) -> str:
    """Return the values of each field with their counts, to filter by."""
    groups = "".join(_group(name, values, browsing) for name, values in facets.items() if len(values) > 1)
    if not groups:
        return ""
    return (
        f'<details class="filters" open><summary>{labels.SHOW_FILTERS.html()}</summary>'
        f"<div{labels.FILTERS.attribute('aria-label')} role='group'>{groups}</div></details>"
    )


def chosen_html(chosen: Collection[str]) -> str:
    """Return the bar below the list: how many are chosen, and what to do with them; nothing without any."""
    if not chosen:
        return ""
    return (
        f'<div class="chosen" role="status"><span>{labels.CHOSEN.of(len(chosen)).html()}</span>'
        f"{_button('ask_these', labels.ASK_THESE, 'go')}{_button('choose_none', labels.CHOOSE_NONE, 'plain')}"
        "</div>"
    )


def scope_html(scope: Collection[str]) -> str:
    """Return the chip above the question that says which abstracts are asked; nothing for all."""
    if not scope:
        return ""
    return (
        f'<div class="scope"><span>{labels.SCOPE.of(len(scope)).html()}</span>'
        f'<button type="button"{does("whole_library")}{labels.ASK_ALL.attribute("aria-label")}'
        f"{labels.ASK_ALL.attribute('title')}>×</button></div>"
    )


def _button(name: str, label: Label, look: str) -> str:
    return f'<button type="button" class="{look}"{does(name)}>{label.html()}</button>'


def _on(name: str, value: str) -> str:
    shown = labels.LANGUAGE_NAMES[value] if name == "language" else Label(value)
    off = labels.WITHOUT_ONE
    named = Label(off.en.format(name=shown.en), off.zh.format(name=shown.zh or shown.en))
    return (
        f'<button type="button" class="chip"{does("filter", field=name, value=value)}'
        f"{named.attribute('aria-label')}>{_value(name, value)} <span aria-hidden='true'>×</span></button>"
    )


def _value(name: str, value: str) -> str:
    return labels.LANGUAGE_NAMES[value].html() if name == "language" else f"<span>{escape(value)}</span>"


def _group(name: str, values: Sequence[tuple[str, int]], browsing: Browsing) -> str:
    first = [pair for place, pair in enumerate(values) if place < _SHOWN or browsing.is_on(name, pair[0])]
    rest = [pair for pair in values if pair not in first]
    more = ""
    if rest:
        items = "".join(_facet(name, *pair, browsing) for pair in rest)
        says = labels.MORE.of(len(rest)).html()
        more = f'<details class="more"><summary>{says}</summary><ul>{items}</ul></details>'
    shown = "".join(_facet(name, *pair, browsing) for pair in first)
    return f"<section><h3>{labels.FIELDS[name].html()}</h3><ul>{shown}</ul>{more}</section>"


def _facet(name: str, value: str, count: int, browsing: Browsing) -> str:
    pressed = str(browsing.is_on(name, value)).lower()
    return (
        f'<li><button type="button" aria-pressed="{pressed}"{does("filter", field=name, value=value)}>'
        f'{_value(name, value)}<span class="n">{count:,}</span></button></li>'
    )


def _item(work: Sequence[Paper], chosen: Collection[str]) -> str:
    paper = work[0]
    key, title = escape(paper.paper_id), title_line(paper)
    picked = str(any(text.paper_id in chosen for text in work)).lower()
    choose = Label(labels.CHOOSE.en.format(title=title), labels.CHOOSE.zh.format(title=title))
    languages = " · ".join(labels.LANGUAGE_NAMES[text.language].html() for text in work)
    return (
        f'<li class="work"><button type="button" class="pick" role="checkbox" id="pick-{key}" '
        f'aria-checked="{picked}"{does("choose", id=key)}{choose.attribute("aria-label")}></button>'
        f'<details data-work="{key}"><summary>'
        f'<span class="title" lang="{paper.language}">{typeset(title)}</span>'
        f'<span class="meta">{_plain_byline(paper)}<span>{languages}</span></span>'
        f'<span class="snippet" lang="{paper.language}">{_snippet(paper)}</span></summary>'
        f'<div class="whole" id="work-{key}"><p class="none">{labels.LOADING.html()}</p></div>'
        "</details></li>"
    )


def _plain_byline(paper: Paper) -> str:
    """Return the byline without its link: a link cannot stand inside what opens a work."""
    return byline(paper).partition("<a ")[0]


def _snippet(paper: Paper) -> str:
    return typeset(clipped(paper.text, _SNIPPET[paper.language]))


def _pager(page: PaperPage, browsing: Browsing) -> str:
    if page.total <= PAGE:
        return ""
    first, last = browsing.offset + 1, browsing.offset + len(page.works)
    says = labels.PAGE.of(page.total, first=f"{first:,}", last=f"{last:,}")
    back = does("page", offset=max(0, browsing.offset - PAGE))
    on = does("page", offset=browsing.offset + PAGE)
    back += "" if browsing.offset else " disabled"
    on += "" if last < page.total else " disabled"
    return (
        f'<nav class="pager"><button type="button"{back}>{labels.PREVIOUS.html()}</button>'
        f'<span>{says.html()}</span><button type="button"{on}>{labels.NEXT.html()}</button></nav>'
    )
