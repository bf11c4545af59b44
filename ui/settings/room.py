"""The Settings tab: its layout. What a change does is in `ui.settings.events`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ui.page import Page
from ui.settings import labels
from ui.settings.events import SAID_MODEL, SAID_REFUSAL, SAID_SOURCES, Events, Form
from ui.settings.format import heading_html, language_html, measured_html, note_html
from ui.words import Label


def build(page: Page, opened: Any) -> None:
    """Lay out the tab; `opened` is the event that shows it."""
    with page.gr.Column(elem_id="set", min_width=0):
        if not page.may_configure:
            page.html(note_html(labels.CLOSED), "set-closed")
        with _section(page, "set-section-model"):
            model, in_use, test, use = _model(page)
        with _section(page, "set-section-answer"):
            answering = _answering(page)
        with _section(page, "set-section-language"):
            about = heading_html(labels.LANGUAGE, labels.LANGUAGE_ABOUT)
            page.html(about + language_html(), "set-language")
        with _section(page, "set-section-disk"):
            share, disk, prepare, halt = _prepared(page)
    events = Events(page, Form(model, *answering, (in_use, share, disk)))
    events.show(opened)
    if page.may_configure:
        events.wire(test, use, prepare, halt)


def _section(page: Page, name: str) -> Any:
    return page.gr.Column(elem_id=name, elem_classes="set-section", min_width=0)


def _model(page: Page) -> tuple[list[Any], Any, Any, Any]:
    """Lay out the choice of the answer model.

    Return its parts, what says which one is in use, and the buttons that test and use it.
    """
    gr, live = page.gr, page.may_configure
    page.html(heading_html(labels.MODEL, labels.MODEL_ABOUT), "set-model")
    in_use = page.html("", "set-in-use-part")
    kinds = [(labels.PACKAGED.en, "packaged"), (labels.GGUF.en, "gguf"), (labels.ENDPOINT.en, "endpoint")]
    parts = [
        _radio(page, labels.KIND, "set-kind", kinds),
        _radio(page, labels.WHICH, "set-packaged", ()),
        _text(page, labels.FILE, "set-file", placeholder="~/models/model.gguf"),
    ]
    with gr.Column(elem_id="set-endpoint", min_width=0):
        parts += [
            _text(page, labels.ADDRESS, "set-address", placeholder="http://127.0.0.1:11434/v1"),
            _text(page, labels.NAME, "set-name"),
            _text(page, labels.KEY, "set-key", type="password"),
            gr.Checkbox(label=labels.KEEP_KEY.en, elem_id="set-keep", container=False, interactive=live),
        ]
        page.html(note_html(labels.KEY_ABOUT, labels.LEAVES), "set-key-about")
    with gr.Row(elem_id="set-buttons"):
        use = page.button(labels.USE, "set-use", variant="primary", interactive=live)
        test = page.button(labels.TEST, "set-test", interactive=live)
    page.html(f'<div id="{SAID_MODEL}" role="status"></div>', "set-model-said")
    return parts, in_use, test, use


def _answering(page: Page) -> tuple[Any, Any, Any]:
    """Lay out when and from how much it answers; return the parts."""
    page.html(heading_html(labels.ANSWERING), "set-answering")
    ways = [(labels.STRICT.en, "strict"), (labels.LENIENT.en, "lenient")]
    refusal = _radio(page, labels.REFUSAL, "set-refusal", ways)
    page.html(
        f'{note_html(labels.REFUSAL_ABOUT)}{measured_html()}<div id="{SAID_REFUSAL}" role="status"></div>',
        "set-measured",
    )
    sources = page.gr.Number(
        label=labels.SOURCES.en, elem_id="set-sources", step=1, precision=0, interactive=page.may_configure
    )  # without its own bounds, since Gradio would say in English alone what is wrong
    page.html(note_html(labels.SOURCES_ABOUT), "set-sources-about")
    options = [(label.en, key) for key, label in labels.PER_CHAT_OPTIONS.items()]
    reads = _radio(page, labels.PER_CHAT, "set-reads", options)
    page.html(f'<div id="{SAID_SOURCES}" role="status"></div>', "set-sources-result")
    return refusal, sources, reads


def _prepared(page: Page) -> tuple[Any, Any, Any, Any]:
    """Lay out what is prepared and what lies on disk.

    Return the parts that show both, and the buttons that start and stop preparing.
    """
    page.html(heading_html(labels.PREPARED, labels.PREPARED_ABOUT), "set-prepared")
    share = page.html("", "set-share-part")
    with page.gr.Row(elem_id="set-prepare-buttons"):
        prepare = page.button(labels.PREPARE, "set-prepare", interactive=page.may_configure)
        halt = page.button(labels.STOP, "set-halt", interactive=page.may_configure)
    page.html(heading_html(labels.DISK), "set-disk")
    return share, page.html("", "set-disk-part"), prepare, halt


def _radio(page: Page, label: Label, name: str, choices: Sequence[tuple[str, str]]) -> Any:
    return page.gr.Radio(list(choices), label=label.en, elem_id=name, interactive=page.may_configure)


def _text(page: Page, label: Label, name: str, **options: str) -> Any:
    return page.gr.Textbox(
        label=label.en, elem_id=name, max_lines=1, interactive=page.may_configure, **options
    )
