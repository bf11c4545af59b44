"""Copy and Export in Chromium: each file is saved by the browser and read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import bibtexparser
import pytest
import rispy
from playwright.sync_api import Browser, Page, expect

from tests.fake_rag import FakeRAG, citation, context, script_of
from tests.ui.serving import serving, visit, watch

pytestmark = pytest.mark.browser

OTTERS = context(
    "Otters like amber lamps. They sleep well.", title="Otters and <b>lamps</b>", year=2021, venue="Lamp Notes",
    authors=("Ash, Jane",), doi="10.5555/otters",
)  # fmt: skip
OWLS = context("猫头鹰喜欢蓝灯。", title="猫头鹰与灯", language="zh", authors=("沈青",), year=2022)
CITED = (citation(1, OTTERS, "Otters like amber lamps."), citation(2, OWLS, "猫头鹰喜欢蓝灯。"))
WORDS = "Otters like amber lamps [1]. Owls like blue ones [2]."


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(FakeRAG(script_of(WORDS, [OTTERS, OWLS], CITED))) as url:
        yield url


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a window with one answered question; at the end, no script error and no request elsewhere."""
    problems: list[str] = []
    windows = []

    def open_(width: int = 1360, height: int = 900, **options: object) -> Page:
        window = browser.new_context(viewport={"width": width, "height": height}, **options)
        windows.append(window)
        window.on(
            "request",
            lambda r: r.url.startswith((address, "data:", f"blob:{address}")) or problems.append(r.url),
        )
        page = window.new_page()
        page.set_default_timeout(15000)
        watch(page, problems)
        visit(page, address)
        page.get_by_role("textbox").fill("Which lamps?")
        page.keyboard.press("Enter")
        expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
        return page

    yield open_
    for window in windows:
        window.close()
    assert problems == []


def save(page: Page, where: str, item: str) -> tuple[str, str]:
    """Choose an item of a menu, and return the name and text of the file that the browser saved."""
    page.locator(f"{where} details.menu summary").click()
    with page.expect_download() as saved:
        page.locator("details.menu[open]").get_by_role("button", name=item, exact=True).click()
    return saved.value.suggested_filename, Path(saved.value.path()).read_bytes().decode("utf-8")


def test_every_export_of_an_answer_is_saved_and_read_back(open_page) -> None:
    page = open_page()
    name, text = save(page, "#turn-1 .tools", "Markdown")
    assert (name, text.splitlines()[0]) == ("Which-lamps.md", "# Which lamps?")
    _, text = save(page, "#turn-1 .tools", "JSON with evidence")
    assert json.loads(text)["citations"][1]["quote"] == "猫头鹰喜欢蓝灯。"
    _, text = save(page, "#turn-1 .tools", "HTML to print")
    assert "<b>lamps" not in text
    name, text = save(page, "#turn-1 .tools", "Table (CSV)")
    assert text.startswith("\ufeff")
    assert [row[2] for row in csv.reader(io.StringIO(text))] == ["Year", "2021", "2022"]
    name, text = save(page, "#turn-1 .tools", "BibTeX")
    assert [e.fields_dict["author"].value for e in bibtexparser.parse_string(text).entries] == [
        "Ash, Jane",
        "{沈青}",
    ]
    name, text = save(page, "#turn-1 .tools", "RIS")
    assert [record["year"] for record in rispy.loads(text)] == ["2021", "2022"]
    name, text = save(page, "#turn-1 .tools", "CSL-JSON")
    assert (name, json.loads(text)[0]["DOI"]) == ("Which-lamps.csl.json", "10.5555/otters")


def test_a_whole_conversation_is_saved_twice_alike(open_page) -> None:
    page = open_page()
    first = save(page, "#conversation-tools", "Markdown")
    assert first == save(page, "#conversation-tools", "Markdown")
    assert first[1].startswith("# Which lamps?\n\n## 1. Which lamps?")
    _, text = save(page, "#conversation-tools", "JSON with evidence")
    assert [turn["question"] for turn in json.loads(text)["turns"]] == ["Which lamps?"]


def test_copy_puts_the_answer_with_its_references_on_the_clipboard(open_page) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(
        f"{WORDS}\n\nReferences\n[1] Otters and <b>lamps</b>. Ash, Jane. Lamp Notes. 2021."
    )
    expect(page.get_by_role("button", name="Copy", exact=True)).to_be_visible()


def test_the_menu_closes_with_escape_and_stays_on_a_narrow_screen(open_page) -> None:
    page = open_page(390, 800)
    summary = page.locator("#turn-1 .tools details.menu summary")
    summary.focus()
    page.keyboard.press("Enter")
    forms = page.locator("#turn-1 .tools .forms")
    expect(forms).to_be_visible()
    box = forms.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    heights = page.locator("#turn-1 .tools :is(button, summary)").evaluate_all(
        "all => all.map(e => e.offsetHeight)"
    )
    assert min(heights) >= 24
    page.keyboard.press("Escape")
    expect(forms).to_be_hidden()
    expect(summary).to_be_focused()
