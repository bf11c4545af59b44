"""The Library tab: its layout, and what happens when the reader looks, filters and chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from rag import RagError
from ui.library import adding_room, labels, map_room
from ui.library.browsing import PAGE, Browsing, chosen_after, with_all
from ui.library.details import details_html, parted_html, said_html
from ui.library.listing import chosen_html, empty_html, filters_html, head_html, list_html, scope_html
from ui.library.starters import Starters
from ui.masthead import masthead_patch
from ui.page import Event, Page
from ui.patch import Patch
from ui.words import Label

# Works that "choose all" chooses at most.
_MOST_CHOSEN = 500


def build(page: Page, tab: Any, starters: Starters) -> None:
    """Lay out the tab, and let the Ask tab begin with the `starters`."""
    gr = page.gr
    browsing, chosen = gr.State(Browsing()), gr.State(())
    with gr.Tabs(elem_id="views"):
        with gr.Tab(labels.VIEW_LIST.en, id="list", elem_id="view-list") as listed:
            find, go, years = _tools(page)
            with gr.Row(elem_id="browse", equal_height=False):
                page.html('<div id="lib-filters"></div>', "filters")
                page.html(
                    '<div id="lib-head"></div><div id="lib-said"></div><div id="lib-list"></div>', "works"
                )
        with gr.Tab(labels.VIEW_MAP.en, id="map", elem_id="view-map") as mapped:
            map_room.build(page, mapped)
        with gr.Tab(labels.VIEW_ADD.en, id="add", elem_id="view-add"):
            adding_room.build(page, starters)
    page.html('<div id="lib-chosen"></div>', "chosen")
    _wire_looking(page, [tab.select, listed.select], find, go, years, browsing, chosen)
    _wire_choosing(page, browsing, chosen)
    _wire_works(page)
    _wire_loading(page, starters)


def _tools(page: Page) -> tuple[Any, Any, Any]:
    gr = page.gr
    with gr.Row(elem_id="find-row"):
        find = gr.Textbox(
            label=labels.FIND.en, show_label=False, container=False, placeholder=labels.FIND_HINT.en,
            lines=1, max_lines=1, elem_id="find", min_width=0, max_length=400,
        )  # fmt: skip
        years = gr.Textbox(
            label=labels.YEARS.en, show_label=False, container=False, placeholder=labels.YEARS_HINT.en,
            lines=1, max_lines=1, elem_id="years", min_width=0, max_length=20,
        )  # fmt: skip
        go = page.button(labels.SEARCH, "find-go")
    return find, go, years


async def _shown(page: Page, browsing: Browsing, chosen: Sequence[str]) -> Patch:
    """Return all that the list shows; an error stands in its place."""
    library = page.library

    def looked() -> Patch:
        total = int(library.info()["works"])
        if not total:
            return {"lib-head": "", "lib-filters": "", "lib-list": empty_html(page.may_add), "lib-said": ""}
        filters = browsing.filters or None
        found = library.papers(browsing.query, filters, browsing.order, browsing.offset, PAGE)
        counts = library.facets("" if found.nearest else browsing.query, filters)
        return {
            "lib-head": head_html(found, browsing),
            "lib-filters": filters_html(counts, browsing),
            "lib-said": "",
            "lib-list": list_html(found, browsing, chosen, total, page.may_add),
            "lib-chosen": chosen_html(chosen),
        }

    try:
        return await asyncio.to_thread(looked)
    except RagError as error:
        return {"lib-said": said_html(Label(str(error)), "error")}


def _wire_looking(
    page: Page, opened: Sequence[Any], find: Any, go: Any, years: Any, browsing: Any, chosen: Any
) -> None:
    async def look(event: Event, now: Browsing, picked: tuple[str, ...]) -> Any:
        return now, await _shown(page, now, picked)

    async def search(event: Event, words: str, span: str, now: Browsing, picked: tuple[str, ...]) -> Any:
        then = now.finding(words)
        if span.strip():
            in_years = then.in_years(span)
            if in_years is None:
                return now, {"lib-said": said_html(labels.WRONG_YEARS, "error")}
            then = in_years
        return then, await _shown(page, then, picked)

    async def change(event: Event, now: Browsing, picked: tuple[str, ...]) -> Any:
        then = _changed(now, event.values)
        return then, await _shown(page, then, picked)

    outputs = [browsing, page.patch]
    page.listen(opened, look, [browsing, chosen], outputs)
    page.listen([find.submit, years.submit, go.click], search, [find, years, browsing, chosen], outputs)
    changes = [page.action(name) for name in ("filter", "order", "page", "all_filters_off")]
    page.listen(changes, change, [browsing, chosen], outputs)


def _changed(now: Browsing, values: dict[str, Any]) -> Browsing:
    """Return what is looked at after a filter, an order or a page was pressed; without values, no filter."""
    if "field" in values:
        return now.toggled(values["field"], values.get("value"))
    if "order" in values:
        return now.ordered(values["order"])
    return now.at(values["offset"]) if "offset" in values else Browsing(now.query, order=now.order)


def _wire_choosing(page: Page, browsing: Any, chosen: Any) -> None:
    def picked_patch(before: Sequence[str], after: Sequence[str]) -> Patch:
        changed = set(before) ^ set(after)
        marks = {f"pick-{i}@aria-checked": str(i in after).lower() for i in changed}
        return {"lib-chosen": chosen_html(after)} | marks

    def choose(event: Event, picked: tuple[str, ...]) -> Any:
        ids = event.values.get("ids")
        after = with_all(picked, ids) if ids else chosen_after(picked, event.values.get("id"))
        return after, picked_patch(picked, after)

    def choose_none(event: Event, picked: tuple[str, ...]) -> Any:
        return (), picked_patch(picked, ())

    async def choose_found(event: Event, now: Browsing, picked: tuple[str, ...]) -> Any:
        try:
            found = await asyncio.to_thread(
                page.library.papers, now.query, now.filters or None, now.order, 0, _MOST_CHOSEN
            )
        except RagError as error:
            return picked, {"lib-said": said_html(Label(str(error)), "error")}
        after = with_all(picked, [work[0].paper_id for work in found.works])
        return after, picked_patch(picked, after)

    def ask_these(event: Event, picked: tuple[str, ...]) -> Any:
        return picked, {"scope": scope_html(picked)}

    def ask_all(event: Event) -> Any:
        return (), {"scope": ""}

    both = [chosen, page.patch]
    page.on("choose", choose, [chosen], both, queue=False)
    page.on("choose_none", choose_none, [chosen], both, queue=False)
    page.on("choose_found", choose_found, [browsing, chosen], both)
    page.on("ask_these", ask_these, [chosen], [page.scope, page.patch], queue=False)
    page.on("whole_library", ask_all, [], [page.scope, page.patch], queue=False)


def _wire_works(page: Page) -> None:
    async def show(event: Event) -> Patch:
        key = event.values.get("id")
        if not isinstance(key, str):
            return {}
        try:
            work = await asyncio.to_thread(page.library.work, key)
        except RagError as error:
            return {f"work-{key}": said_html(Label(str(error)), "error")}
        return {f"work-{key}": details_html(work, page.may_add)}

    async def decide(event: Event) -> Patch:
        kept, other = event.values.get("kept"), event.values.get("other")
        one = bool(event.values.get("one"))
        if not (page.may_add and isinstance(kept, str) and isinstance(other, str)):
            return {}
        try:
            await asyncio.to_thread(page.library.decide, kept, other, one_work=one)
        except RagError as error:
            return {"lib-said": said_html(Label(str(error)), "error")}
        said = said_html(labels.JOIN_DONE) if one else parted_html(kept, other)
        return {"lib-said": said} | masthead_patch(page.library)

    page.on("work", show, [], [page.patch], concurrency_limit=None)
    page.on("decide", decide, [], [page.patch], concurrency_limit=1)


def _wire_loading(page: Page, starters: Starters) -> None:
    """A page that is opened offers questions that can be asked of what is indexed then.

    The layout is made once, and was perhaps made of another state of the library.
    """

    async def load(event: Event) -> Patch:
        return await asyncio.to_thread(starters.patch)

    page.listen([page.app.load], load, [], [page.patch], concurrency_limit=None)
