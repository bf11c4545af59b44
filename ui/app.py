"""The page: a masthead over three rooms, one tab each. Every room lays out itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag import load_settings
from ui import api, labels
from ui.chat import labels as chat_labels
from ui.chat import room as chat_room
from ui.conversations import room as conversations_room
from ui.conversations.keeper import Keeper
from ui.engine import Library
from ui.library import labels as library_labels
from ui.library import room as library_room
from ui.library.starters import Starters
from ui.masthead import framed, masthead_html, masthead_patch, notice_of
from ui.page import Page
from ui.settings import labels as settings_labels
from ui.settings import room as settings_room
from ui.toolkit import load_gradio
from ui.words import Part

if TYPE_CHECKING:
    from gradio import Blocks

# Words of Gradio's own parts in all rooms, for the script of the page.
PARTS: list[Part] = [*labels.PARTS, *chat_labels.PARTS, *library_labels.PARTS, *settings_labels.PARTS]


def build_app(
    rag: Library,
    *,
    data: Path | None = None,
    may_add: bool = False,
    may_configure: bool = False,
    signed_in: bool = False,
    starters: Starters | None = None,
) -> Blocks:
    """Lay out the page over `rag`.

    Args:
        rag: the library that is asked.
        data: the folder for what readers keep (default: as the settings say).
        may_add: whether a reader may add papers.
        may_configure: whether a reader may change settings, which hold for all readers.
        signed_in: whether readers have signed in, and so may sign out.
        starters: questions to begin with, for who wants to know what the page shows of them.
    """
    gr, info = load_gradio(), rag.info()
    starters = starters or Starters(rag, may_add=may_add)
    app: Blocks
    with gr.Blocks(title="citefold", analytics_enabled=False, fill_width=True) as app:
        page = Page(gr, rag, data or user_data(), may_add, may_configure, app)
        page.html(framed(masthead_html(info, notice_of(rag)), signed_in=signed_in), "masthead")
        with gr.Tabs(elem_id="rooms"):
            with gr.Tab(labels.ROOM_ASK.en, id="ask", elem_id="room-ask"):
                keeper = Keeper(data / "conversations" if data else load_settings().conversations)
                conversations_room.place(page)
                conversations_room.build(page, chat_room.build(page, keeper, starters.shown), keeper)
            with gr.Tab(labels.ROOM_LIBRARY.en, id="library", elem_id="room-library") as library:
                library_room.build(page, library, starters)
            with gr.Tab(labels.ROOM_SETTINGS.en, id="settings", elem_id="room-settings") as settings:
                settings_room.build(page, settings.select)
        # The layout is made once; what is indexed and which model answers may have changed since.
        page.listen([app.load], lambda event: masthead_patch(rag), [], [page.patch])
        api.build(page)
    return app


def user_data() -> Path:
    """Return the folder for what readers keep."""
    from platformdirs import user_data_path

    return user_data_path("citefold")
