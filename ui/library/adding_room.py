"""Adding papers: by dropped files, pasted text, or a path of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rag import RagError, UserError
from ui.library import labels
from ui.library.details import said_html
from ui.library.given import keep_files, keep_text
from ui.library.job import Job, Jobs
from ui.library.progress import progress_html, report_html
from ui.library.starters import Starters
from ui.masthead import masthead_patch
from ui.page import Event, Page
from ui.patch import Patch
from ui.words import Label

# Seconds between two looks at how far it is.
_TICK_S = 0.3


def build(page: Page, starters: Starters) -> None:
    """Lay out what takes papers in; where none may be added, say so. Other `starters` fit what was added."""
    gr = page.gr
    if not page.may_add:
        page.html(f'<p class="says">{labels.ADD_OFF.html()}</p>', "add-says")
        return
    page.html(f'<p class="says">{labels.ADD_SAYS.html()}</p>', "add-says")
    with gr.Row(elem_id="give", equal_height=False):
        with gr.Column(min_width=260, elem_id="give-files"):
            page.html(f'<p class="label">{labels.DROP.html()}</p>', "drop-label")
            files = gr.File(file_count="multiple", show_label=False, height=150, elem_id="files")
        with gr.Column(min_width=260, elem_id="give-text"):
            paste = gr.Textbox(
                label=labels.PASTE.en,
                placeholder=labels.PASTE_HINT.en,
                lines=5,
                max_lines=12,
                elem_id="paste",
            )
            path = gr.Textbox(label=labels.PATH.en, lines=1, max_lines=1, elem_id="path")
    with gr.Row(elem_id="add-row"):
        add = page.button(labels.ADD, "add-go", variant="primary")
        stop = page.button(labels.STOP, "add-stop")
    page.html('<div id="adding"></div>', "adding-place")
    jobs = Jobs()

    async def run(event: Event, dropped: list[str] | None, text: str, place: str) -> AsyncIterator[Any]:
        keep = page.skip(), page.skip(), page.skip()
        try:
            paths = _given(page, event, dropped or [], text, place)
        except RagError as error:
            yield *keep, {"adding": said_html(Label(str(error)), "error")}
            return
        job = jobs.begin(event.reader, page.library, paths) if paths else None
        if job is None:
            yield *keep, {"adding": said_html(labels.BUSY if paths else labels.NOTHING_GIVEN, "error")}
            return
        while job.running:
            yield *keep, {"adding": progress_html(job), "adding-place@aria-busy": "true"}
            await asyncio.sleep(_TICK_S)
        emptied = keep if job.report is None else (None, "", "")
        yield *emptied, await asyncio.to_thread(_ended, page, job, starters)

    def halt(event: Event) -> None:
        job = jobs.current
        if job is not None and job.reader == event.reader:
            job.stop.set()

    page.listen(
        [add.click], run, [files, paste, path], [files, paste, path, page.patch], concurrency_limit=None
    )
    page.listen([stop.click], halt, [], [], queue=False)


def _given(page: Page, event: Event, files: list[str], text: str, place: str) -> list[Path]:
    """Return the files and folders to add, those that were uploaded or pasted once they are kept.

    Raises:
        UserError: a path was named by somebody who may be elsewhere, or nothing can be kept.
    """
    paths = keep_files(files, page.data)
    if text.strip():
        paths.append(keep_text(text, page.data))
    if place.strip():
        if event.reader.startswith("account "):  # may sit anywhere; a path would read this machine's files
            raise UserError(labels.NO_PATHS.en)
        paths.append(Path(place.strip()).expanduser())
    return paths


def _ended(page: Page, job: Job, starters: Starters) -> Patch:
    """Return what came of it, and the new size of the library."""
    if job.report is None:
        says = Label(job.error) if job.error else labels.FAULT
        return {"adding": said_html(says, "error"), "adding-place@aria-busy": "false"}
    ended = {"adding": report_html(job.report), "adding-place@aria-busy": "false"}
    return ended | masthead_patch(page.library) | starters.patch()
