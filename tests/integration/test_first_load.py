"""The first load: a question box at once, and what is typed there is not lost when the page takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.fake_rag import FakeRAG, citation, context, script_of
from tests.ui.serving import serving, watch

pytestmark = pytest.mark.browser

PATIENCE_MS = 20_000  # a busy machine fails no test
BOX, FIRST = "#question textarea", "#first textarea"
MUSE = context("We present Muse. It reaches an FID of 6.06.", "It reaches an FID of 6.06.")
CITED = [citation(1, MUSE, "an FID of 6.06")]
OFFERED = [{"en": "Which gate scores spans in KeepSpan?", "zh": "哪种门控给片段打分？"}] * 2
Opened = tuple[Page, Callable[[], None]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(FakeRAG(script_of("It reaches 6.06 [1].", [MUSE], CITED), offered=OFFERED)) as url:
        yield url


@pytest.fixture
def slowly(browser: Browser, url: str) -> Iterator[Callable[..., Opened]]:
    """Open the page with the toolkit's scripts held back; return it, and what lets them go."""
    problems: list[str] = []
    with ExitStack() as stack:

        def open_(query: str = "", **options: Any) -> Opened:
            window = browser.new_context(**options)
            stack.callback(window.close)
            page = window.new_page()
            page.set_default_timeout(PATIENCE_MS)
            watch(page, problems)
            held: list[Route] = []
            holding = [True]
            page.route("**/assets/*.js", lambda route: held.append(route) if holding else route.continue_())

            def let_go() -> None:
                holding.clear()
                for route in held:
                    route.continue_()

            page.goto(url + query, wait_until="commit")
            expect(page.locator(FIRST)).to_be_focused(timeout=PATIENCE_MS)
            return page, let_go

        yield open_
    assert problems == []


def test_what_is_typed_before_the_page_has_loaded_is_kept(slowly) -> None:
    page, let_go = slowly()
    page.keyboard.type("What FD?")
    for key in ("ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    let_go()
    expect(page.locator(BOX)).to_be_focused(timeout=PATIENCE_MS)
    page.keyboard.type("I")
    expect(page.locator(BOX)).to_have_value("What FID?")
    expect(page.locator("#first")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator(".turn[aria-busy=false] .question")).to_contain_text("What FID?", timeout=PATIENCE_MS)
    expect(page.locator(BOX)).to_have_value("")


@pytest.mark.parametrize("query", ["", "/?c=nothing"])
@pytest.mark.parametrize("way", ["Enter", "button"])
def test_a_question_sent_before_the_page_has_loaded_is_asked_once_it_has(
    slowly, query: str, way: str
) -> None:
    page, let_go = slowly(query)
    page.keyboard.type("What FID?")
    page.keyboard.press("Enter") if way == "Enter" else page.locator("#first button", has_text="Ask").click()
    expect(page.locator("#first .first-waits")).to_be_visible()
    page.keyboard.press("Enter")
    let_go()
    expect(page.locator(".turn[aria-busy=false] .question")).to_contain_text("What FID?", timeout=PATIENCE_MS)
    page.wait_for_timeout(2500)  # longer than a question waits for the server
    expect(page.locator(".turn")).to_have_count(1)


def test_nothing_is_asked_where_nothing_is_typed(slowly) -> None:
    page, let_go = slowly()
    page.keyboard.press("Enter")
    expect(page.locator("#first .first-waits")).to_be_hidden()
    let_go()
    expect(page.locator(BOX)).to_be_focused(timeout=PATIENCE_MS)
    expect(page.locator(".turn")).to_have_count(0)


def test_an_input_method_is_not_interrupted(slowly) -> None:
    page, let_go = slowly(locale="zh-CN")
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "xue", "selectionStart": 3, "selectionEnd": 3})
    let_go()
    page.locator(BOX).wait_for(state="attached")
    page.wait_for_timeout(500)
    expect(page.locator(FIRST)).to_be_focused()
    session.send("Input.insertText", {"text": "雪深"})
    expect(page.locator(BOX)).to_be_focused(timeout=PATIENCE_MS)
    expect(page.locator(BOX)).to_have_value("雪深")


def test_a_draft_is_there_before_the_page_has_loaded(slowly) -> None:
    page, let_go = slowly()
    page.keyboard.type("half a ques")
    page.reload(wait_until="commit")
    expect(page.locator(FIRST)).to_have_value("half a ques", timeout=PATIENCE_MS)
    let_go()
    expect(page.locator(BOX)).to_have_value("half a ques", timeout=PATIENCE_MS)


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_nothing_moves_when_the_page_takes_over(slowly, width: int) -> None:
    page, let_go = slowly(viewport={"width": width, "height": 900})

    def places(*selectors: str) -> list[float]:
        found = [page.locator(one).first.bounding_box() for one in selectors]
        return [box[side] for box in found if box for side in ("x", "y", "width", "height")]

    page.wait_for_timeout(300)
    before = places(
        "#first h1", "#first .facts", "#first .welcome p", ".first-ask", FIRST, "#first form button"
    )
    let_go()
    expect(page.locator(BOX)).to_be_focused(timeout=PATIENCE_MS)
    page.wait_for_timeout(300)
    after = places("#masthead h1", "#masthead .facts", "#chat .welcome p", "#ask", BOX, "#send")
    assert after == pytest.approx(before, abs=1.5)


@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "dark"), ("zh-CN", "light")])
def test_the_first_screen_bars_nobody(slowly, locale: str, scheme: str) -> None:
    page, let_go = slowly(locale=locale, color_scheme=scheme)
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    name = {"en": "Question", "zh": "问题"}[locale[:2]]
    expect(page.get_by_role("textbox", name=name, exact=True)).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    let_go()
    expect(page.locator(".turn")).to_have_count(1, timeout=PATIENCE_MS)


def test_the_page_is_shown_as_it_is_if_the_toolkit_never_comes(browser: Browser, url: str) -> None:
    with browser.new_context() as window:
        page = window.new_page()
        page.route("**/assets/*.js", lambda route: route.abort())
        page.clock.install()
        page.goto(url, wait_until="commit")
        expect(page.locator(FIRST)).to_be_focused(timeout=PATIENCE_MS)
        page.clock.fast_forward(20_000)
        expect(page.locator("#first")).to_have_count(0)


def test_the_document_names_all_that_the_toolkit_loads(browser: Browser, url: str) -> None:
    """Holds the list to the installed toolkit: without it the page works, and takes a second longer."""
    with browser.new_context() as window:
        page = window.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        expect(page.locator(BOX)).to_be_focused(timeout=PATIENCE_MS)
        page.wait_for_timeout(500)
        named = page.evaluate(
            "url => fetch(url).then((answer) => answer.text()).then((text) => [...new DOMParser()"
            ".parseFromString(text, 'text/html').querySelectorAll('link, script[src]')]"
            ".map((one) => new URL(one.getAttribute('href') || one.src, url).href))",
            f"{url}/",
        )
    loaded = [one for one in asked if "/assets/" in one]
    assert len(loaded) > 20
    assert [one for one in loaded if one not in named] == []
    assert (
        len([one for one in loaded if one.endswith(".css")]) == 2
    )  # the toolkit's first, and all the others
    assert len([one for one in asked if "/theme.css" in one]) == 1


def test_a_page_without_these_links_works_too(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.front.front.first_chunks", lambda frontend, kinds: [])
    with (
        serving(FakeRAG(script_of("It reaches 6.06 [1].", [MUSE], CITED), offered=OFFERED)) as url,
        browser.new_context() as window,
    ):
        page = window.new_page()
        page.goto(url)
        page.locator(BOX).fill("What FID?", timeout=PATIENCE_MS)
        page.keyboard.press("Enter")
        expect(page.locator(".turn[aria-busy=false]")).to_have_count(1, timeout=PATIENCE_MS)
