"""What the Settings tab does: show what is in use, test a model, change a setting, prepare abstracts."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rag import RagError, settings_file
from ui.masthead import masthead_patch
from ui.page import Event, Page
from ui.patch import Patch
from ui.settings import labels
from ui.settings.changes import ModelChoice, apply
from ui.settings.format import disk_html, in_use_html, prepared_html, said_html
from ui.settings.preparing import Preparing
from ui.words import Label

# Elements that say what came of a change.
SAID_MODEL, SAID_REFUSAL, SAID_SOURCES = "set-said", "set-refusal-said", "set-sources-said"
MOST_SOURCES = 20  # as `Settings.top_k` has it
# Seconds between two looks at a run that prepares abstracts.
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of Gradio that hold a choice; `model` are those of `ModelChoice`, in its order.

    `shows` say which model is in use, how much is prepared, and what lies on disk.
    """

    model: Sequence[Any]
    refusal: Any
    sources: Any
    reads: Any
    shows: Sequence[Any]


class Events:
    """The listeners of the tab."""

    def __init__(self, page: Page, form: Form) -> None:
        """Act on `page`; nothing listens yet."""
        self._page = page
        self._library = page.library
        self._form = form
        self._preparing = Preparing(page.library)

    def show(self, opened: Any) -> None:
        """Let the event that shows the tab fill it."""
        form = self._form
        parts = [*form.model, form.refusal, form.sources, form.reads, *form.shows, self._page.patch]
        self._page.listen([opened], self._opened, [], parts)

    def wire(self, test: Any, use: Any, prepare: Any, halt: Any) -> None:
        """Let the parts and these buttons change the settings."""
        page, form = self._page, self._form
        key = form.model[5]
        page.listen([test.click], self._test, form.model, [page.patch])
        page.listen([use.click], self._use, form.model, [key, page.patch])
        page.listen(
            [form.refusal.input], self._changing("refusal", SAID_REFUSAL), [form.refusal], [page.patch]
        )
        page.listen([form.sources.input], self._count, [form.sources], [page.patch])
        reads = self._changing("abstracts_per_chat", SAID_SOURCES)
        page.listen([form.reads.input], reads, [form.reads], [page.patch])
        page.listen([prepare.click], self._prepare, [], [page.patch], concurrency_limit=None)
        page.listen([halt.click], self._halt, [], [page.patch], queue=False)

    def _opened(self, event: Event) -> tuple[Any, ...]:
        """Return what every part holds now, and the patch that takes away what was said before."""
        settings, info = self._library.settings, self._library.info()
        here = [model["name"] for model in info["models"] if model["kind"] == "llm" and model["present"]]
        endpoint, model = settings.llm_base_url, settings.llm_model
        kind = "endpoint" if endpoint else "packaged" if model in here else "gguf"
        chosen = model if kind == "packaged" else next(iter(here), None)
        return (
            kind,
            self._page.gr.update(choices=here, value=chosen),
            model if kind == "gguf" else "",
            endpoint or "",
            model if endpoint else "",
            "",  # a key is never sent back
            False,
            settings.refusal,
            settings.top_k,
            settings.abstracts_per_chat,
            # As values, since the tab may not be laid out yet when a patch would come.
            *(f'<div id="{name}">{html}</div>' for name, html in self._shown(info).items()),
            {**masthead_patch(self._library), SAID_MODEL: "", SAID_REFUSAL: "", SAID_SOURCES: ""},
        )

    def _in_use(self) -> Patch:
        return {**self._shown(self._library.info()), **masthead_patch(self._library)}

    def _shown(self, info: dict[str, Any]) -> Patch:
        """Return what `Form.shows` show, by the ids of their elements."""
        return {
            "set-in-use": in_use_html(info),
            **self._share(info),
            "set-disk-all": disk_html(info, str(settings_file())),
        }

    def _share(self, info: dict[str, Any]) -> Patch:
        run = self._preparing
        done = run.done if run.running else info["readings"]["papers"]
        needed = info["llm"]["endpoint"] is None
        share = prepared_html(done, info["papers"], needed=needed, running=run.running)
        return {"set-share": share + (said_html(Label(run.error), error=True) if run.error else "")}

    async def _test(self, event: Event, *values: Any) -> AsyncIterator[Patch]:
        choice = ModelChoice(*values)
        if missing := choice.missing():
            yield {SAID_MODEL: said_html(missing, error=True)}
            return
        yield {SAID_MODEL: said_html(labels.TESTING)}
        try:
            trial = await asyncio.to_thread(self._library.try_llm, **choice.changes())
        except RagError as error:
            yield {SAID_MODEL: said_html(Label(str(error)), error=True)}
            return
        seconds = f"{trial.first_token_s:.1f}"
        works = labels.WORKS.of(name=trial.model, seconds=seconds)
        where = labels.WORKS_AWAY.of(host=str(trial.endpoint)) if trial.is_remote else labels.WORKS_HERE
        yield {SAID_MODEL: said_html(works) + said_html(where)}

    def _use(self, event: Event, *values: Any) -> tuple[str, Patch]:
        choice = ModelChoice(*values)
        if missing := choice.missing():
            return self._page.skip(), {SAID_MODEL: said_html(missing, error=True)}
        patch = self._changed(choice.changes(), SAID_MODEL, keep_key=choice.keep_key)
        threading.Thread(target=self._load, name="load", daemon=True).start()
        return "", patch

    def _load(self) -> None:
        with contextlib.suppress(RagError):  # the next question says it
            self._library.warm()

    def _count(self, event: Event, value: int | None) -> Patch:
        if value is None or not 1 <= value <= MOST_SOURCES:
            return {SAID_SOURCES: said_html(labels.COUNT, error=True)}
        return self._changed({"top_k": value}, SAID_SOURCES)

    def _changing(self, name: str, said: str) -> Callable[..., Patch]:
        def change(event: Event, value: Any) -> Patch:
            return self._changed({name: value}, said)

        return change

    def _changed(self, changes: dict[str, Any], said: str, *, keep_key: bool = False) -> Patch:
        """Use and save the changes; return the patch that says so, or why not."""
        try:
            overruled = apply(self._library, changes, keep_key=keep_key)
        except RagError as error:
            return {**self._in_use(), said: said_html(Label(str(error)), error=True)}
        text = said_html(labels.SAVED)
        if overruled:
            text += said_html(labels.OVERRULED.of(names=", ".join(overruled)), error=True)
        return {**self._in_use(), said: text}

    async def _prepare(self, event: Event) -> AsyncIterator[Patch]:
        """Start preparing, and show how far it is; it goes on when nobody looks."""
        self._preparing.start()
        while self._preparing.running:
            yield self._share(self._library.info())
            await asyncio.sleep(_LOOK_S)
        yield self._in_use()

    def _halt(self, event: Event) -> Patch:
        self._preparing.stop()
        return self._share(self._library.info())
