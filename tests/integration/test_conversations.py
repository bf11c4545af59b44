"""Conversations in Chromium, over a scripted RAG: what stays, where one comes back to, who sees what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from rag.schema import Paper
from tests.fake_rag import FakeRAG, Gate, Script, citation, context, script_of
from tests.ui.serving import serving
from ui.access.accounts import Accounts
from ui.conversations.ratings import FILE

pytestmark = pytest.mark.browser

MUSE = context("We present Muse. Our model reaches an FID of 6.06 on CC3M. It is fast.", title="Muse")
CITED = citation(1, MUSE, "an FID of 6.06 on CC3M")
ANSWER = "Muse reaches an FID of 6.06 on CC3M [1]."
PLAIN = script_of(ANSWER, [MUSE], [CITED])
WAIT_MS = 30_000  # for a busy test machine; an idle one takes a tenth of a second


class Site:
    """One server; `again()` ends it and starts another on the same folder."""

    def __init__(self, data: Path) -> None:
        self.rag, self.data = FakeRAG(PLAIN), data
        self._stack = ExitStack()
        self.url = ""
        self.again()

    def again(self) -> None:
        self._stack.close()
        self.url = self._stack.enter_context(serving(self.rag, data=self.data))

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened = Site(tmp_path_factory.mktemp("conversations"))
    yield opened
    opened.close()


@pytest.fixture
def reader(browser, site: Site) -> Iterator[Callable[..., BrowserContext]]:
    """Give a browser of its own to each reader; at the end, no script error and no request elsewhere."""
    problems: list[str] = []
    expect.set_options(timeout=WAIT_MS)
    with ExitStack() as stack:

        def open_(script: Script = PLAIN, **options: object) -> BrowserContext:
            site.rag.script = script
            site.rag.changed.clear()
            window = browser.new_context(viewport={"width": 1360, "height": 900}, **options)
            window.set_default_timeout(WAIT_MS)
            stack.callback(window.close)
            window.on("weberror", lambda error: problems.append(str(error.error)))
            window.on(
                "request",
                lambda r: r.url.startswith(("http://127.0.0.1:", "data:")) or problems.append(r.url),
            )
            return window

        yield open_
    expect.set_options(timeout=5000)
    assert problems == []


def visit(window: BrowserContext, url: str) -> Page:
    page = window.new_page()
    page.goto(url)
    expect(page.locator("#question textarea")).to_be_focused()
    return page


def ask(page: Page, question: str, *, wait: bool = True) -> None:
    turns = page.locator(".turn").count()
    page.locator("#question textarea").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(turns + 1)
    if wait:
        expect(page.locator(".turn[aria-busy=false]")).to_have_count(turns + 1)
        expect(page).to_have_url(re.compile(r"\?c=[\w-]{22}$"))


def retry(page: Page, place: int) -> str:
    """Ask the last question again with the model at `place` of the menu, and return what it is called."""
    page.locator(".again summary").click()
    item = page.locator(".again .forms button").nth(place)
    name = item.inner_text()
    item.click()
    return name


def questions(page: Page) -> list[str]:
    return page.locator(".turn .question").evaluate_all("all => all.map(e => e.lastChild.textContent)")


def links(page: Page):
    return page.locator("#past .past-link")


def test_a_conversation_is_there_after_a_reload_back_and_a_restart(reader, site) -> None:
    page = visit(reader(), site.url)
    ask(page, "First of one?")
    ask(page, "Second of one?")
    one = page.url
    page.locator(".past-new").click()
    expect(page.locator(".turn")).to_have_count(0)
    ask(page, "First of two?")
    page.reload()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator("#shelf .card")).to_have_count(1)
    expect(links(page)).to_have_text(["First of two?", "First of one?"])
    page.go_back()  # to the empty page
    expect(page.locator(".turn")).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(one)
    expect(page.locator(".turn")).to_have_count(2)
    assert questions(page) == ["First of one?", "Second of one?"]
    expect(page.locator(".past-link[aria-current=page]")).to_have_text("First of one?")
    known = one.rpartition("?")[2]
    site.again()
    page = visit(page.context, f"{site.url}/?{known}")
    expect(page.locator(".turn")).to_have_count(2)
    assert page.locator(".answer").first.inner_text() == page.locator(".answer").last.inner_text()
    ask(page, "Third of one?")
    assert [past[0] for past in site.rag.asked[-1][1]] == ["First of one?", "Second of one?"]


def test_a_reload_in_the_middle_of_an_answer_keeps_what_was_written(reader, site) -> None:
    gate = Gate()
    window = reader(script_of(ANSWER, [MUSE], [CITED], midway=[gate]))
    page = visit(window, site.url)
    site.rag.closed.clear()
    ask(page, "In the middle?", wait=False)
    expect(page.locator(".answer")).to_contain_text("Muse reaches")
    expect(page).to_have_url(re.compile(r"\?c="))
    page.reload()
    assert site.rag.closed.wait(timeout=WAIT_MS / 1000)
    site.rag.script = PLAIN
    expect(page.get_by_role("alert")).to_contain_text("broke off")
    expect(page.locator(".answer")).to_contain_text("Muse reaches")
    expect(page.locator("#shelf .card")).to_have_count(1)
    retry(page, 0)
    expect(page.locator(".answer")).to_contain_text("on CC3M")
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    expect(page.locator(".answer")).to_contain_text("on CC3M")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_what_was_stopped_says_so_after_a_reload(reader, site) -> None:
    gate = Gate()
    page = visit(reader(script_of(ANSWER, [MUSE], [CITED], midway=[gate])), site.url)
    ask(page, "Half an answer?", wait=False)
    expect(page.locator(".answer")).to_contain_text("Muse reaches")
    page.locator("#stop").click()
    expect(page.locator(".notes")).to_contain_text("Stopped before the end")
    page.reload()
    expect(page.locator(".notes")).to_contain_text("Stopped before the end")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_two_browsers_see_their_own_and_a_link_goes_on_in_a_copy(reader, site) -> None:
    ann, bob = reader(), reader()
    page = visit(ann, site.url)
    ask(page, "Asked by Ann?")
    hers = page.url
    other = visit(bob, site.url)
    expect(other.locator(".past-empty")).to_be_visible()
    other.goto(hers)
    expect(other.locator(".turn")).to_have_count(1)
    expect(other.get_by_text("You are reading a shared conversation")).to_be_visible()
    ask(other, "Asked by Bob?")
    expect(other).not_to_have_url(hers)
    expect(links(other)).to_have_text(["Asked by Bob?"])
    page.reload()
    expect(page.locator(".turn")).to_have_count(1)
    expect(links(page)).to_have_text(["Asked by Ann?"])
    other.goto(f"{site.url}/?c=AAAAAAAAAAAAAAAAAAAAAA")
    expect(other.locator("#said")).to_contain_text("not there any more")


def test_accounts_see_their_own_in_any_browser(reader, site, tmp_path) -> None:
    accounts = Accounts(tmp_path / "accounts")
    for name in ("ann", "bob"):
        accounts.add(name, f"{name}'s long password")

    def sign_in(window: BrowserContext, url: str, name: str) -> Page:
        page = window.new_page()
        page.goto(url)
        page.locator("input[name=username]").fill(name)
        page.locator("input[name=password]").fill(f"{name}'s long password")
        page.keyboard.press("Enter")
        expect(page.locator("#question textarea")).to_be_focused()
        return page

    with serving(site.rag, accounts=accounts, data=tmp_path) as url:
        ask(sign_in(reader(), url, "ann"), "Asked by Ann?")
        expect(sign_in(reader(), url, "bob").locator(".past-empty")).to_be_visible()
        page = sign_in(reader(), url, "ann")
        expect(links(page)).to_have_text(["Asked by Ann?"])
        page.locator("form[action='/logout'] button").click()
        expect(page.locator("input[name=password]")).to_be_visible()


def test_search_rename_and_delete_by_keyboard(reader, site) -> None:
    page = visit(reader(), site.url)
    for question in ("How deep is snow?", "冰川有多厚？", "How deep is sand?"):
        page.locator(".past-new").click()
        expect(page.locator(".turn")).to_have_count(0)
        ask(page, question)
    expect(links(page)).to_have_count(3)
    page.get_by_role("searchbox").fill("冰川")
    expect(links(page)).to_have_text(["冰川有多厚？"])
    expect(page.locator("#past-said")).to_contain_text("1 conversation found")
    page.get_by_role("searchbox").fill("")
    expect(links(page)).to_have_count(3)

    links(page).nth(2).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    page.keyboard.type("<b>Snow</b>")
    page.keyboard.press("Enter")
    expect(links(page).nth(2)).to_have_text("<b>Snow</b>")
    expect(links(page).nth(2)).to_be_focused()

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(links(page).nth(2)).to_be_focused()
    links(page).first.hover()
    page.locator("#past li").first.locator(".icon-bin").click()
    page.locator(".past-form .warn").click()
    expect(links(page)).to_have_text(["冰川有多厚？", "<b>Snow</b>"])
    expect(page.locator(".turn")).to_have_count(0)  # it was the open one
    expect(page).to_have_url(re.compile(r"/$"))
    page.get_by_role("button", name="Delete all").click()
    page.locator(".past-form .warn").click()
    expect(links(page)).to_have_count(0)
    page.reload()
    expect(page.locator(".past-empty")).to_be_visible()


def test_an_edited_question_branches_and_a_retry_takes_the_place(reader, site) -> None:
    page = visit(reader(), site.url)
    ask(page, "Fist question?")
    ask(page, "Second question?")
    before = page.url
    page.locator("#acts-1").get_by_role("button", name="Edit").click()
    box = page.get_by_role("textbox", name="Question, edited")
    expect(box).to_be_focused()
    expect(box).to_have_value("Fist question?")
    box.fill("First question?")
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(before)
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
    assert questions(page) == ["First question?"]
    site.rag.script = script_of("Better [1].", [MUSE], [CITED])
    branch = page.url
    other = retry(page, 1)
    expect(page.locator(".answer")).to_contain_text("Better")
    expect(page.locator(".notes")).to_contain_text(f"answered by {other}")
    assert site.rag.models[-2:] == [None, other]
    expect(page.locator(".turn")).to_have_count(1)
    assert page.url == branch
    links(page).filter(has_text="Fist").click()
    expect(page).to_have_url(before)
    expect(page.locator(".turn")).to_have_count(2)
    assert questions(page) == ["Fist question?", "Second question?"]


def test_a_rating_and_its_remark_are_kept(reader, site) -> None:
    page = visit(reader(), site.url)
    ask(page, "To be rated?")
    page.get_by_role("button", name="Bad answer").click()
    page.get_by_role("textbox", name="Remark").fill("too short")
    page.keyboard.press("Enter")
    expect(page.locator(".remark")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    lines = (site.data / "conversations" / FILE).read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    assert (last["question"], last["rating"], last["remark"]) == ("To be rated?", "down", "too short")
    page.get_by_role("button", name="Bad answer").click()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "false")


def test_nothing_that_is_typed_is_lost(reader, site) -> None:
    page = visit(reader(), site.url)
    box = page.locator("#question textarea")
    box.fill("A draft that is not sent")
    page.reload()
    expect(box).to_have_value("A draft that is not sent")
    long = "Long? " * 500
    box.fill(long)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("2,999 characters; shorten it to at most 2,000")
    expect(box).to_have_value(long)
    expect(page.locator(".turn")).to_have_count(0)
    box.fill("Short?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
    expect(box).to_have_value("")
    page.wait_for_timeout(500)
    page.reload()
    expect(page.locator(".turn")).to_have_count(1)
    expect(box).to_have_value("")


def test_a_source_says_what_became_of_its_abstract(reader, site) -> None:
    page = visit(reader(), site.url)
    ask(page, "Will it stay?")
    expect(page.locator(".fate")).to_have_count(0)
    site.rag.changed[MUSE.paper.paper_id] = None
    page.reload()
    expect(page.locator(".fate")).to_contain_text("no longer in the library")
    expect(page.locator("#shelf .card")).to_contain_text("an FID of 6.06 on CC3M")
    site.rag.changed[MUSE.paper.paper_id] = Paper("0" * 16, "Muse.", "en", (), title="Muse, revised")
    page.reload()
    expect(page.locator(".fate")).to_contain_text("now kept as “Muse, revised”")


def test_a_tab_that_the_server_has_forgotten_goes_on(reader, site) -> None:
    """What a laptop finds when it wakes up: the page is as it was, the server knows nothing of it."""
    page = visit(reader(), site.url)
    ask(page, "Before it slept?")
    page.evaluate("history.replaceState(null, '', location.href)")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".turn")).to_have_count(1)
    ask(other, "From the other window?")
    ask(page, "After it woke?")
    assert questions(page) == ["Before it slept?", "After it woke?"]
    expect(page).not_to_have_url(other.url)


def test_a_narrow_window_has_a_drawer(reader, site) -> None:
    page = visit(reader(), site.url)
    page.set_viewport_size({"width": 390, "height": 800})
    ask(page, "On a telephone?")
    expect(page.locator("#past")).to_be_hidden()
    page.get_by_role("button", name="Conversations").click()
    expect(page.locator("#past")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#past")).to_be_hidden()
    page.get_by_role("button", name="Conversations").click()
    links(page).first.click()
    expect(page.locator("#past")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
