"""The page in Chromium, over a scripted RAG: what a reader sees, and what leaves the browser."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from rag import LLMUnreachableError, UserError
from tests.fake_rag import FakeRAG, Gate, Script, citation, context, script_of
from tests.ui.serving import serving, visit, watch
from ui.server import serve
from ui.words import Label

pytestmark = pytest.mark.browser

MUSE = context(
    "We present Muse. 😀𝒳 Our 900M model reaches an FID of 6.06 on CC3M. It is fast.",
    "Our 900M model reaches an FID of 6.06 on CC3M.",
    files=[("a.txt", 6), ("b.txt", 2)],
)
SNOW = context("本文提出SnowNet用于雪深预测。它在高原数据上的误差为2.5厘米。", language="zh")
CITED = citation(1, MUSE, "an FID of 6.06 on CC3M")
ANSWER = "Muse reaches an FID of 6.06 on CC3M [1]."
OFFERED = (
    {"en": "Which gate scores spans in KeepSpan?", "zh": "SnowNet在高原上的雪深误差是多少？"},
    {"en": "What is this collection about?", "zh": "这个库是关于什么的？"},
)
NOTICE = Label("Questions are sent to https://llm.example <b>", "问题会发送到 https://llm.example <b>")


class Served:
    """One server for the module; each test gives it the script that it answers with."""

    def __init__(self, url: str, rag: FakeRAG) -> None:
        self.url, self.rag = url, rag


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    rag = FakeRAG(script_of("", []), notice={"en": NOTICE.en, "zh": NOTICE.zh}, offered=OFFERED)
    with serving(rag) as url:
        yield Served(url, rag)


@pytest.fixture
def open_page(browser, served: Served) -> Iterator[Callable[..., Page]]:
    """Open a fresh window on a script; at the end, no script error and no request beyond this machine."""
    served.rag.asked.clear()
    served.rag.closed.clear()
    requests: list[str] = []
    problems: list[str] = []
    with ExitStack() as stack:

        def open_(script: Script, width: int = 1360, height: int = 900, **options: object) -> Page:
            served.rag.script = script
            window = browser.new_context(viewport={"width": width, "height": height}, **options)
            stack.callback(window.close)
            window.on("request", lambda request: requests.append(request.url))
            page = window.new_page()
            page.set_default_timeout(8000)
            watch(page, problems)
            page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
            visit(page, served.url)
            expect(page.get_by_role("textbox")).to_be_focused()
            return page

        yield open_
    assert requests
    assert [url for url in requests if not url.startswith((served.url, "data:"))] == []
    assert problems == []


def ask(page: Page, question: str = "What FID?") -> None:
    page.get_by_role("textbox").fill(question)
    page.keyboard.press("Enter")


def ask_and_wait(page: Page, question: str = "What FID?") -> None:
    turns = page.locator(".turn").count()
    ask(page, question)
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(turns + 1)


def test_sources_come_before_the_first_word_and_the_answer_grows(open_page) -> None:
    before, midway = Gate(), Gate()
    script = script_of(ANSWER, [SNOW, MUSE], [CITED], before_text=[before], midway=[midway])
    page = open_page(script)
    ask(page)
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".answer")).to_be_empty()
    expect(page.locator("#status").get_by_role("status")).to_contain_text("2 sources found")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    before.open()
    expect(page.locator(".answer")).to_have_text(ANSWER[: len(ANSWER) // 2])
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "true")
    midway.open()
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    assert page.locator(".answer").inner_text().replace("\u2060", "") == ANSWER.replace(" [1]", "[1]")
    expect(page.locator(".card").first).to_contain_text("We present Muse")
    expect(page.locator(".card.cited")).to_have_count(1)


def test_a_citation_leads_to_its_source_and_back(open_page) -> None:
    page = open_page(script_of(ANSWER, [SNOW, MUSE], [CITED]))
    ask_and_wait(page)
    marker = page.get_by_role("link", name="Source 1")
    marker.focus()
    page.keyboard.press("Enter")
    card = page.locator("#source-1-1")
    expect(card).to_have_class(re.compile("lit"))
    expect(card).to_be_focused()
    expect(card.locator("blockquote mark")).to_have_text("an FID of 6.06 on CC3M")
    card.get_by_role("link", name="Back to the answer").click()
    expect(marker).to_be_focused()


def test_an_abstract_can_be_read_in_full_and_stays_open(open_page) -> None:
    gate = Gate()
    page = open_page(script_of(ANSWER, [SNOW, MUSE], [CITED], midway=[gate]))
    ask(page)
    full = page.locator(".card", has_text="We present Muse").locator("details.full")
    full.locator("summary").click()
    expect(full.locator("p")).to_have_text(MUSE.paper.text)
    gate.open()
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".card").first.locator("details.full p")).to_be_visible()
    expect(page.locator(".card").nth(1).locator("details.full p")).to_be_hidden()
    where = page.locator(".card").first.locator(".where")
    expect(where.locator("summary")).to_have_text("in 2 files", use_inner_text=True)
    where.locator("summary").click()
    records = ["a.txt: record 6", "b.txt: record 2"]
    expect(where.locator("li")).to_have_text(records, use_inner_text=True)


def test_earlier_answers_keep_their_sources(open_page, served) -> None:
    page = open_page(script_of(ANSWER, [MUSE], [CITED]))
    ask_and_wait(page, "First?")
    served.rag.script = script_of("误差为2.5厘米[1]。", [SNOW], [citation(1, SNOW, "2.5厘米")], language="zh")
    ask_and_wait(page, "误差多少?")
    expect(page.locator(".shelf:not([hidden]) .card")).to_contain_text("SnowNet")
    page.locator("#turn-1 .cite").click()
    expect(page.locator(".shelf:not([hidden]) .card")).to_contain_text("We present Muse")
    expect(page.locator("#source-1-1")).to_have_class(re.compile("lit"))
    page.locator("#turn-2").get_by_role("button", name="1 source").click()
    expect(page.locator(".shelf:not([hidden]) .card")).to_contain_text("SnowNet")
    assert served.rag.asked == [("First?", ()), ("误差多少?", (("First?", ANSWER),))]


def test_a_refusal_is_plain(open_page) -> None:
    page = open_page(script_of("The abstracts do not answer this.", [MUSE], refused=True))
    ask_and_wait(page, "Capital of France?")
    expect(page.locator(".turn.refused")).to_contain_text("No answer in the abstracts")
    expect(page.locator(".shelf h3")).to_contain_text("Closest, not answering")


def test_an_error_is_one_sentence_in_the_chat(open_page) -> None:
    page = open_page(
        lambda question, past: [LLMUnreachableError("The endpoint does not answer; start <it>.")]
    )
    ask_and_wait(page)
    expect(page.get_by_role("alert")).to_have_text("The endpoint does not answer; start <it>.")
    assert "Traceback" not in page.content()
    expect(page.get_by_role("button", name="Ask")).to_be_visible()


def test_an_empty_question_asks_nothing(open_page, served) -> None:
    page = open_page(script_of(ANSWER, [MUSE]))
    ask(page, "   ")
    expect(page.locator("#status").get_by_role("status")).to_contain_text("Write a question first")
    assert page.locator(".turn").count() == 0
    assert served.rag.asked == []


def test_stop_leaves_at_once_and_the_conversation_goes_on(open_page, served) -> None:
    gate = Gate()
    page = open_page(script_of(ANSWER, [MUSE], [CITED], midway=[gate]))
    ask(page)
    expect(page.locator(".answer")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".notes")).to_contain_text("Stopped before the end")
    assert served.rag.closed.wait(timeout=1)
    served.rag.script = script_of(ANSWER, [MUSE], [CITED])
    ask_and_wait(page, "Again?")
    assert served.rag.asked[-1] == ("Again?", ())
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator(".card")).to_have_count(0)


def test_closing_the_tab_stops_an_answer_that_waits(open_page, served) -> None:
    gate = Gate()
    page = open_page(script_of(ANSWER, [MUSE], [CITED], before_text=[gate]))
    ask(page)
    expect(page.locator(".card")).to_have_count(1)
    page.close()
    assert served.rag.closed.wait(timeout=2)


@pytest.mark.parametrize(("locale", "language"), [("en-GB", "en"), ("zh-CN", "zh")])
def test_examples_ask_in_the_language_of_the_page_and_step_aside(
    open_page, served, locale: str, language: str
) -> None:
    page = open_page(script_of(ANSWER, [MUSE], [CITED]), locale=locale)
    shown = page.locator(".example:visible")
    expect(shown).to_have_text([example[language] for example in OFFERED], timeout=30_000)
    shown.nth(1).click()
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
    assert served.rag.asked[0][0] == OFFERED[1][language]
    expect(page.locator(".example").first).to_be_hidden()


def test_examples_are_those_of_the_library_when_a_page_is_opened(open_page, served, monkeypatch) -> None:
    monkeypatch.setattr(served.rag, "offered", ())
    page = open_page(script_of(ANSWER, [MUSE]))
    expect(page.locator("#masthead")).to_contain_text("citefold")
    expect(page.locator("#examples")).to_be_hidden()
    monkeypatch.setattr(served.rag, "offered", OFFERED[1:])
    page.reload()
    expect(page.locator(".example:visible")).to_have_text([OFFERED[1]["en"]], timeout=30_000)


def test_hostile_text_stays_text(open_page) -> None:
    bad = "<script>alert(1)</script><img src=x onerror=alert(2)> [a](javascript:alert(3)) $x$ ${alert(4)} {{5}} `"
    found = context(bad, title=bad, files=[(bad, 1)], url="javascript:alert(6)")
    page = open_page(script_of(f"{bad} [1]", [found], [citation(1, found, "alert(1)")]))
    ask_and_wait(page, bad)
    page.locator(".cite").click()
    page.locator("details.full summary").click()
    expect(page.locator(".question")).to_contain_text(bad)
    shown = bad.replace("$x$", "x")  # a formula of one letter, which is drawn
    expect(page.locator(".answer")).to_contain_text(shown)
    expect(page.locator("details.full p")).to_have_text(shown)
    foreign = ":is(script, img, iframe, a:not(.cite, .back, [data-goto]))"
    inserted = f"#chat {foreign}, #sources {foreign}"
    assert page.locator(inserted).count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_needs_no_sideways_scrolling(open_page, scheme: str) -> None:
    long = context(
        "https://example.org/" + "x" * 300 + " end.", title="y" * 200, files=[("z" * 120 + ".txt", 1)]
    )
    page = open_page(script_of("w" * 300, [long, MUSE]), width=420, color_scheme=scheme)
    expect(page.get_by_role("note")).to_have_text(NOTICE.en, use_inner_text=True)
    ask_and_wait(page, "q" * 300)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    chat, sources = page.locator("#chat").bounding_box(), page.locator("#sources").bounding_box()
    assert chat is not None
    assert sources is not None
    assert sources["y"] >= chat["y"] + chat["height"]


def test_a_wide_window_scrolls_columns_not_the_page(open_page) -> None:
    found = [context(f"Abstract {i}. " + "word " * 200) for i in range(8)]
    page = open_page(script_of("A long answer. " * 200, found))
    ask_and_wait(page)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    chat = page.locator("#chat")
    assert chat.evaluate(
        "e => e.scrollHeight > e.clientHeight && e.scrollTop + e.clientHeight > e.scrollHeight - 4"
    )
    expect(page.get_by_role("button", name="Ask")).to_be_in_viewport()


def test_sources_are_painted_at_once(open_page) -> None:
    gate = Gate()
    page = open_page(
        script_of(ANSWER, [MUSE] + [context(f"Abstract {i}. " * 60) for i in range(5)], before_text=[gate])
    )
    page.evaluate(
        """() => { window.painted = new Promise((done) => {
            let asked; addEventListener('keydown', () => { asked = performance.now() }, { capture: true, once: true });
            new MutationObserver(() => document.querySelector('.card') && requestAnimationFrame(() =>
                setTimeout(() => done(performance.now() - asked)))).observe(document.body, { childList: true, subtree: true });
        }) }"""
    )
    ask(page)
    took = page.evaluate("window.painted")
    gate.open()
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    assert took < 1000  # about 60 ms on an idle machine of two cores; the test machine may be busy


def test_what_is_served_names_no_other_host(served: Served) -> None:
    with urlopen(served.url) as response:
        html, policy = response.read().decode(), response.headers["content-security-policy"]
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"'](?:https?:)?//[^>]*", html) == []
    assert not re.search(r"googleapis|gstatic|cdnjs|jsdelivr|preconnect", html)
    assert "default-src 'self'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/monitoring", "/monitoring/summary", "/gradio_api/runs"]
)
def test_no_page_but_the_chat(served: Served, path: str) -> None:
    assert _status(served.url + path) in (403, 404)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "evil.example", 403),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Host", "localhost", 200),
    ],
)
def test_other_sites_are_refused(served: Served, header: str, value: str, status: int) -> None:
    assert _status(served.url, {header: value}) == status


def _status(url: str, headers: dict[str, str] | None = None) -> int:
    from urllib.error import HTTPError

    try:
        with urlopen(Request(url, headers=headers or {})) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


def test_a_port_in_use_is_one_sentence() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {port} on 127.0.0.1 is already in use; .*--port N"):
            serve(FakeRAG(script_of("", [])), port=port)


def test_ctrl_c_stops_without_a_traceback() -> None:
    code = (
        "from tests.fake_rag import *; from ui.server import serve; serve(FakeRAG(script_of('', [])), port=0)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    url = re.search(r"http://\S+", child.stdout.readline())
    assert url is not None
    assert _status(url[0]) == 200
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, "")
