"""The Settings tab in Chromium, over a scripted RAG: what a change does, and what never leaves the server."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from rag import LLMUnreachableError, Settings
from tests.fake_rag import FakeRAG, script_of
from tests.ui.serving import serving, visit, watch

pytestmark = pytest.mark.browser

SECRET = "sk-very-secret"
ADDRESS = "https://llm.example/v1"
PATIENCE_MS = 20_000  # a busy machine fails no test


@dataclass
class Room:
    page: Page
    rag: FakeRAG
    file: Path
    received: list[str]
    problems: list[str]


@pytest.fixture(scope="module")
def rag() -> FakeRAG:
    return FakeRAG(script_of("", []))


@pytest.fixture(scope="module")
def url(rag: FakeRAG) -> Iterator[str]:
    with serving(rag) as url:
        yield url


@pytest.fixture
def room(
    browser: Browser, rag: FakeRAG, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Room]:
    """Open the tab in a fresh window; at the end, no script error and no key in anything received."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    rag.settings, rag.trial_error, rag.prepared = Settings(), None, 12
    window = browser.new_context(viewport={"width": 1360, "height": 900}, locale="en-US")
    page = window.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened = Room(page, rag, tmp_path / "citefold" / "citefold.toml", [], [])
    watch(page, opened.problems)
    visit(page, url)
    open_settings(page)
    yield opened
    assert SECRET not in page.content()
    assert opened.problems == []
    window.close()


def open_settings(page: Page) -> None:
    page.get_by_role("tab", name="Settings").click()
    expect(page.locator("#set-in-use")).to_contain_text("In use")


def choose_endpoint(page: Page, key: str = "") -> None:
    page.locator("#set-kind label", has_text="Endpoint").click()
    page.get_by_label("Address").fill(ADDRESS)
    page.get_by_label("Model", exact=True).fill("large")
    page.get_by_label("Key, if it needs one").fill(key)


def test_an_endpoint_is_used_from_now_on_and_the_notice_is_there_in_every_tab(room: Room, url: str) -> None:
    other = room.page.context.new_page()
    visit(other, url)
    expect(other.get_by_role("textbox", name="Question")).to_be_visible()
    choose_endpoint(room.page, SECRET)
    room.page.get_by_role("button", name="Use this model").click()
    expect(room.page.locator("#set-said")).to_have_text("Changed and saved.", use_inner_text=True)
    settings = room.rag.settings
    assert (settings.llm_base_url, settings.llm_model) == (ADDRESS, "large")
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == SECRET
    for page in (room.page, other):
        expect(page.get_by_role("note")).to_have_text(
            "Questions are sent to llm.example.", use_inner_text=True
        )
    expect(room.page.get_by_label("Key, if it needs one")).to_have_value("")
    expect(room.page.locator("#set-in-use")).to_contain_text("at llm.example")
    room.page.reload()
    expect(room.page.get_by_role("note")).to_be_visible()
    open_settings(room.page)
    expect(room.page.get_by_label("Address")).to_have_value(ADDRESS)
    assert SECRET not in room.file.read_text(encoding="utf-8")


def test_a_key_is_kept_only_if_asked_for(room: Room) -> None:
    choose_endpoint(room.page, SECRET)
    room.page.get_by_label("Keep the key").check()
    room.page.get_by_role("button", name="Use this model").click()
    expect(room.page.locator("#set-said")).to_have_text("Changed and saved.", use_inner_text=True)
    assert SECRET in room.file.read_text(encoding="utf-8")
    assert stat.S_IMODE(room.file.stat().st_mode) == 0o600
    room.page.locator("#set-kind label", has_text="Packaged").click()
    room.page.get_by_role("button", name="Use this model").click()
    expect(room.page.locator("#set-in-use")).to_contain_text("on this machine")
    expect(room.page.get_by_role("note")).to_have_count(0)
    assert SECRET not in room.file.read_text(encoding="utf-8")


def test_a_test_says_how_soon_it_answers_or_why_not(room: Room) -> None:
    choose_endpoint(room.page)
    room.page.get_by_role("button", name="Test").click()
    said = room.page.locator("#set-said")
    expect(said).to_contain_text("large answers; first word after 0.4 s")
    expect(said).to_contain_text("Text would be sent to llm.example")
    room.rag.trial_error = LLMUnreachableError("It does not answer; start <it>.")
    room.page.get_by_role("button", name="Test").click()
    expect(said.locator(".error")).to_have_text("It does not answer; start <it>.")
    room.page.get_by_label("Model", exact=True).fill(" ")
    room.page.get_by_role("button", name="Use this model").click()
    expect(said).to_have_text("Write the name of the model first.", use_inner_text=True)
    assert room.rag.settings.llm_base_url is None
    assert not room.file.exists()


def test_choices_hold_at_once_and_wrong_numbers_change_nothing(room: Room) -> None:
    page = room.page
    page.locator("#set-refusal label", has_text="Lenient").click()
    expect(page.locator("#set-refusal-said")).to_contain_text("Changed and saved.")
    sources = page.get_by_label("Sources for an answer")
    sources.fill("7")
    expect(page.locator("#set-sources-said")).to_contain_text("Changed and saved.")
    assert (room.rag.settings.refusal, room.rag.settings.top_k) == ("lenient", 7)
    sources.fill("70")
    expect(page.locator("#set-sources-said .error")).to_have_text(
        "Write a whole number from 1 to 20.", use_inner_text=True
    )
    assert room.rag.settings.top_k == 7
    text = room.file.read_text(encoding="utf-8")
    assert 'refusal = "lenient"' in text
    assert "top_k = 7" in text


def test_what_is_prepared_is_shown_and_can_be_completed(room: Room) -> None:
    expect(room.page.locator("#set-share")).to_contain_text("12 of 31 prepared")
    room.page.get_by_role("button", name="Prepare now").click()
    expect(room.page.locator("#set-share")).to_contain_text("31 of 31 prepared")
    expect(room.page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(room.page.locator("#set-disk-all")).to_contain_text("1.1 GB")


def test_the_page_is_set_in_either_language(room: Room) -> None:
    room.page.locator("#set-language button", has_text="中文").click()
    expect(room.page.locator("#set-model h2")).to_have_text("回答模型", use_inner_text=True)
    expect(room.page.locator("#set-kind label").first).to_have_text("随附模型", use_inner_text=True)
    assert not room.page.locator("#set").get_by_text("Lenient", exact=False).first.is_visible()


def test_nobody_but_the_person_at_the_machine_may_change_them(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui.app import build_app

    rag = FakeRAG(script_of("", []))
    app = build_app(rag, data=tmp_path, may_configure=False)
    listening = [f for f in app.fns.values() if f.fn and "settings.events" in str(f.fn)]
    assert listening == []
    parts = {getattr(block, "elem_id", None): block for block in app.blocks.values()}
    assert not parts["set-use"].interactive
    assert not parts["set-refusal"].interactive
