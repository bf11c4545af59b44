"""axe-core over every tab of the page, wide and narrow, light and dark: nothing serious.

axe-core is a script of the package `axe-playwright-python`; it runs in the page and fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from rag import LLMUnreachableError
from tests.fake_rag import FakeRAG, Step, citation, context, script_of
from tests.ui.serving import serving, visit

pytestmark = pytest.mark.browser

PATIENCE_MS = 20_000  # a busy machine fails no test
# What axe calls serious bars somebody from using the page; what is minor or moderate is its advice.
BARS = {"serious", "critical"}
MUSE = context(
    "We present Muse. Our 900M model reaches an FID of 6.06 on CC3M. It is fast.",
    "Our 900M model reaches an FID of 6.06 on CC3M.",
    files=[("a.txt", 6), ("b.txt", 2)],
)
SNOW = context("本文提出SnowNet用于雪深预测。它在高原数据上的误差为2.5厘米。", language="zh")


def answers(question: str, history: Any) -> list[Step]:
    """Answer, refuse or fail, as the question says."""
    if "fail" in question:
        return [LLMUnreachableError("The endpoint does not answer; start it.")]
    if "refuse" in question:
        return list(script_of("The abstracts do not answer this.", [SNOW], refused=True)(question, history))
    cited = [citation(1, MUSE, "an FID of 6.06 on CC3M"), citation(2, SNOW, "误差为2.5厘米")]
    return list(script_of("Muse reaches 6.06 [1], SnowNet 2.5 [2].", [MUSE, SNOW], cited)(question, history))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    notice = {"en": "Questions are sent to llm.example.", "zh": "问题会发送到 llm.example。"}
    with serving(FakeRAG(answers, notice=notice)) as url:
        yield url


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [
        (1440, "light", "en-US"),
        (1440, "dark", "zh-CN"),
        (390, "light", "zh-CN"),
        (390, "dark", "en-US"),
    ],
)
def test_nobody_is_barred(browser: Browser, url: str, width: int, scheme: Any, locale: str) -> None:
    window = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        locale=locale,
        reduced_motion="reduce",
    )
    page = window.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    visit(page, url)
    expect(page.locator("#question textarea")).to_be_visible()
    found = barred(page, "Ask")
    for number, question in enumerate(("What FID?", "refuse?", "fail?"), 1):
        page.locator("#question textarea").fill(question)
        page.keyboard.press("Enter")
        expect(page.locator(".turn[aria-busy=false]")).to_have_count(number)
    page.locator("#turn-1 .cite").first.focus()
    found += barred(page, "Ask, answered")
    for room in ("library", "settings"):
        page.locator(f"#room-{room}-button").last.click()
        expect(page.locator(f"#room-{room}")).to_be_visible()
        if room == "settings":
            expect(page.locator("#set-in-use p")).to_be_visible()
            page.locator("#set-kind label").last.click()
            expect(page.locator("#set-address input")).to_be_visible()
        found += barred(page, room)
    window.close()
    assert found == []


def barred(page: Page, where: str) -> list[str]:
    """Return what bars somebody: the rule, and the elements that break it."""
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{where}: {violation['id']}: {node['target'][0]}: {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in BARS
        for node in violation["nodes"]
    ]
