"""What one sees of an answer in Chromium: the wait, the card of a citation, formulas, a table, hostile text."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from rag import (
    Answer,
    Citation,
    Evidence,
    Highlight,
    Prefill,
    ProgressEvent,
    ScoredChunk,
    Sentence,
    SourcesEvent,
    TextEvent,
    Timings,
)
from tests.fake_rag import FakeRAG, Gate, Script, citation, context, script_of
from tests.ui.serving import visit, watch
from ui.server import listen, make_server

pytestmark = pytest.mark.browser

SNOW = context(
    "积雪深度难以直接测量。本文提出SnowNet用于雪深预测。它在高原数据上的误差为2.5厘米。代码已公开。",
    language="zh", title="SnowNet：面向高原的雪深预测", authors=("李明", "王芳"), year=2023,
    files=[("a.txt", 1), ("b.txt", 4)],
)  # fmt: skip
QUOTE = "它在高原数据上的误差为2.5厘米。"
BEES = context(
    "We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent. The cost is $O(n^2)$.",
    title="Bees & noise", authors=("A. Keeper",), year=2021,
)  # fmt: skip
NOISE = "Traffic noise lowers foraging by 30 percent."
HOSTILE = (
    "<script>alert(1)</script> ![x](http://x.example/a.png) [y](javascript:alert(2)) \u202etxt.exe "
    + "w" * 10_000
)


@pytest.fixture(scope="module")
def rag() -> FakeRAG:
    return FakeRAG(script_of("", []), translations={QUOTE: "Its error on the plateau is 2.5 cm."})


@pytest.fixture(scope="module")
def url(rag: FakeRAG, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with closing(listen("127.0.0.1", 0)) as bound:
        server = make_server(rag, data=tmp_path_factory.mktemp("data"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def open_page(browser, url: str, rag: FakeRAG) -> Iterator[Callable[..., Page]]:
    """Open a window that asks on a script; no script error and no request beyond this machine at the end."""
    problems: list[str] = []
    windows = []

    def open_(script: Script, width: int = 1360, **options: object) -> Page:
        rag.script = script
        window = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US", **options)
        windows.append(window)
        window.on("request", lambda r: r.url.startswith((url, "data:")) or problems.append(r.url))
        page = window.new_page()
        page.set_default_timeout(20_000)
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        watch(page, problems)
        visit(page, url)
        expect(page.get_by_role("textbox")).to_be_focused(timeout=30_000)
        page.get_by_role("textbox").fill("How wrong is SnowNet?")
        page.keyboard.press("Enter")
        return page

    yield open_
    for window in windows:
        window.close()
    assert problems == []


def several(question: str, past: object) -> list[object]:
    """Answer from two abstracts, one paragraph each."""
    cited = (citation(1, SNOW, QUOTE), citation(2, BEES, NOISE))
    said = ("Its error is 2.5 cm.", "Bees forage 30 percent less.")
    sentences = tuple(
        Sentence(text, (c.number,), "supported", 0.9, (Evidence(c.number, c.start, c.end, c.quote),))
        for text, c in zip(said, cited, strict=True)
    )
    text = f"{said[0][:-1]} [1].\n\n{said[1][:-1]} [2]."
    found = (SNOW, BEES)
    return [
        SourcesEvent(found, "en"),
        TextEvent(text, cited, sentences),
        Answer(question, "en", text, False, sentences, cited, found, 0, Timings(0.1, 1, 2)),
    ]


def one(cited: Citation, text: str, found: ScoredChunk) -> Script:
    return script_of(text, [found], [cited])


def test_the_wait_marks_key_sentences_and_says_what_is_done(open_page, rag: FakeRAG) -> None:
    first, second = Gate(), Gate()
    rag.prefilled = Prefill(12, 31)
    start = BEES.paper.text.index(NOISE)
    marks = (Highlight(BEES.paper.paper_id, start, start + len(NOISE)),)

    def script(question: str, past: object) -> list[object]:
        return [
            SourcesEvent((BEES, SNOW), "en", None, marks), ProgressEvent("loading"), first,
            ProgressEvent("reading", 2, 3), second, *several(question, past)[1:],
        ]  # fmt: skip

    page = open_page(script)
    expect(page.locator(".card.key blockquote mark")).to_have_text([NOISE], timeout=20_000)
    expect(page.locator(".waiting")).to_contain_text("Loading the language model")
    expect(page.locator(".waiting .seconds")).to_have_text(re.compile(r"\d+ s"))
    first.open()
    expect(page.locator(".waiting")).to_contain_text("Reading abstract 2 of 3")
    expect(page.locator(".waiting .prepared")).to_contain_text("12 of 31 abstracts prepared")
    second.open()
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".waiting")).to_have_count(0)
    rag.prefilled = None


def test_a_number_shows_its_card_by_mouse_and_keyboard(open_page) -> None:
    page = open_page(one(citation(1, SNOW, QUOTE), "Its error is 2.5 cm [1].", SNOW))
    number, card = page.locator(".cite"), page.locator("#card-1-1")
    number.hover()
    expect(card).to_be_visible()
    expect(card.locator("mark")).to_have_text(QUOTE)
    for words in ("SnowNet：面向高原的雪深预测", "李明; 王芳", "2023", "in 2 files", "代码已公开。"):
        expect(card).to_contain_text(words)
    card.hover()  # what is hovered stays
    page.wait_for_timeout(400)
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.mouse.move(5, 5)
    number.focus()
    expect(card).to_be_visible()
    page.keyboard.press("Tab")
    expect(card.get_by_role("button", name="Translate")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card).to_contain_text("Its error on the plateau is 2.5 cm.")
    expect(card).to_contain_text("Translated by the language model")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(number).to_be_focused()


def test_a_tap_shows_the_card_within_a_narrow_screen(open_page) -> None:
    page = open_page(one(citation(1, SNOW, QUOTE), "Its error is 2.5 cm [1].", SNOW), 390, has_touch=True)
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    page.locator(".cite").tap()
    card = page.locator("#card-1-1")
    expect(card).to_be_visible()
    box = card.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 900
    card.get_by_role("link", name="Show in the sources").tap()
    expect(card).to_be_hidden()
    expect(page.locator("#source-1-1")).to_be_focused()


def test_several_abstracts_come_as_a_table_that_is_sorted_by_its_heads(open_page) -> None:
    page = open_page(several)
    titles = page.locator(".compared .title")
    expect(titles).to_have_text(["SnowNet：面向高原的雪深预测", "Bees & noise"])
    expect(page.locator(".compared q")).to_have_text([QUOTE, NOISE])
    expect(page.locator(".answer")).to_be_empty()
    head = page.get_by_role("columnheader", name="What it says")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(titles).to_have_text(["Bees & noise", "SnowNet：面向高原的雪深预测"])
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(titles.first).to_contain_text("SnowNet")


def test_formulas_are_typeset_and_copied_as_written(open_page) -> None:
    page = open_page(one(citation(1, BEES, NOISE), "The cost is $O(n^2)$ [1].", BEES))
    expect(page.locator(".answer math msup")).to_have_count(1)
    expect(page.locator("#full-1-0 math")).to_have_count(1)
    copied = page.evaluate(
        """() => new Promise((done) => {
          document.addEventListener("copy", (event) => done(event.clipboardData.getData("text/plain")));
          getSelection().selectAllChildren(document.querySelector(".answer"));
          document.execCommand("copy");
        })"""
    )
    assert "The cost is $O(n^2)$" in copied


def test_hostile_text_does_nothing_and_stays_within_the_page(open_page) -> None:
    found = context(HOSTILE, title=HOSTILE, authors=(HOSTILE,), files=[("<b>.txt", 1)])
    page = open_page(one(citation(1, found, HOSTILE), f"{HOSTILE} [1].", found), 390)
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false", timeout=20_000)
    page.locator(".cite").focus()
    expect(page.locator("#card-1-1")).to_be_visible()
    assert page.locator("#turns script, #turns img, #shelf script, #shelf img").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert "\u202e" not in page.inner_text("body")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
