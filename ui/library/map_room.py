"""The map: drawn when it is first looked at; circling points chooses papers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from rag import RagError
from ui.library import labels
from ui.library.details import said_html
from ui.library.picture import figure, legend_html
from ui.page import Event, Page
from ui.words import Label


def build(page: Page, tab: Any) -> None:
    """Lay out the map in the open tab."""
    gr = page.gr
    page.html('<div id="map-head"></div>', "map-top")
    plot = gr.Plot(show_label=False, container=False, elem_id="map")
    shown = gr.State("")

    async def draw(event: Event, before: str) -> AsyncIterator[Any]:
        colour = str(event.values.get("by", "")) or before.partition(" ")[2] or "cluster"
        if colour not in labels.COLOURS:
            return
        waits = page.skip() if before else {"map-head": said_html(labels.MAP_WAITS)}
        yield page.skip(), page.skip(), waits
        try:
            drawn = await asyncio.to_thread(page.library.map)
        except RagError as error:
            yield page.skip(), page.skip(), {"map-head": said_html(Label(str(error)), "error")}
            return
        key = f"{hash(drawn)} {colour}"
        picture = page.gr.components.plot.PlotData(type="plotly", plot=figure(drawn, colour))
        legend = {"map-head": legend_html(drawn, colour)}
        few = len(drawn.points) < 3
        yield key, None if few else page.skip() if key == before else picture, legend

    outputs = [shown, plot, page.patch]
    page.listen([tab.select, page.action("colour")], draw, [shown], outputs, concurrency_limit=None)
