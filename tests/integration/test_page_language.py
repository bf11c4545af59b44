"""One language at a time: the browser's at first, then the reader's choice, which the browser keeps."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from rag import LLMUnreachableError
from tests.fake_rag import Gate, citation, context, script_of
from tests.integration.test_page import ANSWER, CITED, MUSE, NOTICE, ask, ask_and_wait, open_page, served
from tests.ui.serving import settled
from ui.chat.labels import NO_QUESTION

__all__ = ["open_page", "served"]
pytestmark = pytest.mark.browser

# Nothing here has words but the page itself.
DIGITS = context(
    "6.06. 7.07. 8.08.", "7.07.", title="1", authors=("1", "2", "3"), files=[("1", 1)], url="https://1.1"
)
MARKED = citation(1, DIGITS, "7.07.")
HAN, LATIN = r"[\u4e00-\u9fff]", r"[A-Za-z]{2,}"
# Everything that is painted or read out, but for the switch, which names both languages, and the examples.
_WORDS = """() => {
  const said = [];
  const ours = (e) => !e.closest(".languages button, #examples, script, style, title") && e.checkVisibility();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (ours(walk.currentNode.parentElement)) said.push(walk.currentNode.data);
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const e of document.querySelectorAll(`body [${name}]`)) if (ours(e)) said.push(e.getAttribute(name));
  return said.join("\\n");
}"""


def foreign_words(page: Page, language: str) -> list[str]:
    """Return what the page shows or reads out in the other language."""
    words = re.sub(r"citefold|Enter|Shift|DOI|https://llm\.example <b>", "", page.evaluate(_WORDS))
    return re.findall(HAN if language == "en" else LATIN, words)


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def assert_language(page: Page, language: str) -> None:
    expect(page.locator("html")).to_have_attribute("lang", language)
    pressed = {"en": "English", "zh": "中文"}[language]
    expect(page.locator(".languages [aria-pressed=true]")).to_have_attribute("aria-label", pressed)


@pytest.mark.parametrize(
    ("locale", "language"), [("en-GB", "en"), ("zh-CN", "zh"), ("zh-TW", "zh"), ("de-DE", "en")]
)
def test_the_browser_decides_at_first(open_page, locale: str, language: str) -> None:
    page = open_page(script_of(ANSWER, [MUSE]), locale=locale)
    ask_name = {"en": "Ask", "zh": "提问"}[language]
    expect(page.get_by_role("button", name=ask_name, exact=True)).to_be_visible()
    expect(page.get_by_role("note")).to_have_text(getattr(NOTICE, language), use_inner_text=True)
    assert_language(page, language)


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh")])
def test_each_language_shows_no_label_of_the_other(open_page, served, locale: str, language: str) -> None:
    before, midway = Gate(), Gate()
    page = open_page(
        script_of("7.07 [1].", [DIGITS], [MARKED], before_text=[before], midway=[midway]), locale=locale
    )
    seen = [foreign_words(page, language)]
    ask(page, " ")
    expect(page.locator("#status .in:visible")).to_have_text(getattr(NO_QUESTION, language))
    seen.append(foreign_words(page, language))
    ask(page, "1?")
    expect(page.locator(".card")).to_have_count(1)
    seen.append(foreign_words(page, language))
    before.open()
    expect(page.locator(".answer")).to_be_visible()
    seen.append(foreign_words(page, language))
    midway.open()
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
    for summary in page.locator("summary").all():
        summary.click()
    page.locator(".cite").click()
    seen.append(foreign_words(page, language))
    served.rag.script = script_of("0.", [DIGITS], refused=True)
    ask_and_wait(page, "2?")
    seen.append(foreign_words(page, language))
    served.rag.script = lambda question, past: [LLMUnreachableError("0.")]
    ask_and_wait(page, "3?")
    seen.append(foreign_words(page, language))
    assert seen == [[]] * 7


def test_the_switch_works_at_once_and_is_remembered(open_page) -> None:
    page = open_page(script_of("7.07 [1].", [DIGITS], [MARKED]), locale="en-US")
    ask_and_wait(page, "1?")
    page.locator("#sources summary").first.click()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    choose(page, "中文")
    assert_language(page, "zh")
    assert foreign_words(page, "zh") == []
    assert requests == []
    expect(page.get_by_role("textbox", name="问题")).to_have_attribute("placeholder", "就这些摘要提问")
    expect(page.get_by_role("link", name="来源 1")).to_be_visible()
    expect(page.locator("#sources")).to_have_attribute("aria-label", "来源")
    expect(page.locator("details[open]")).to_have_count(1)
    page.reload()
    settled(page)
    expect(page.get_by_role("button", name="提问", exact=True)).to_be_visible()
    assert_language(page, "zh")
    assert foreign_words(page, "zh") == []
    choose(page, "English")
    assert foreign_words(page, "en") == []
    page.reload()
    settled(page)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_the_switch_works_while_an_answer_grows(open_page) -> None:
    gate = Gate()
    page = open_page(script_of(ANSWER, [MUSE], [CITED], midway=[gate]), locale="en-US")
    ask(page)
    expect(page.locator(".answer")).to_be_visible()
    choose(page, "中文")
    expect(page.get_by_role("button", name="停止", exact=True)).to_be_visible()
    gate.open()
    expect(page.locator("#status").get_by_role("status")).to_have_text(
        "已回答，引用 1 篇摘要。", use_inner_text=True
    )
    expect(page.locator(".answer")).to_contain_text(
        "Muse reaches an FID"
    )  # the answer keeps its own language
    expect(page.get_by_role("link", name="来源 1")).to_be_visible()


def test_a_browser_that_keeps_nothing_still_switches(open_page, served) -> None:
    page = open_page(script_of(ANSWER, [MUSE]), locale="en-US")
    page.add_init_script(
        "delete window.localStorage; Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied') } })"
    )
    page.reload()
    settled(page)
    choose(page, "中文")
    assert_language(page, "zh")
    assert foreign_words(page, "zh") == []
