"""A reader who goes leaves no work behind: what a model does after Stop, a new conversation, reload, closed tab."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rag.answering.event_stream import EventStream
from rag.llm.stoppable import Turn
from rag.schema import SourcesEvent, StreamEvent, TextEvent
from tests.fake_rag import FakeRAG, context, script_of
from tests.ui.serving import serving

pytestmark = pytest.mark.browser

LAKE = context("The lake grew by 7 hectares.")
ALLOWED_S, WATCHED_S = 1.0, 3.0
WORD_S = 0.3  # CPU seconds between two words, so that the browser of a busy machine keeps up


class WorkingRAG(FakeRAG):
    """Writes for ever, and counts the CPU seconds that its model works."""

    worked = 0.0
    at_work = False

    def ask(self, question: str, history: Sequence[tuple[str, str]] = (), **options: Any) -> EventStream:
        stopped = threading.Event()
        return EventStream(self._work(stopped, options["turn"]), stopped.set)

    def _work(self, stopped: threading.Event, turn: Turn) -> Generator[StreamEvent, None, None]:
        yield SourcesEvent((LAKE,), "en")
        assert turn.wait()
        word = self.worked
        try:
            while not stopped.is_set():
                began = time.thread_time()
                hashlib.pbkdf2_hmac("sha256", b"work", b"without holding up Python", 10_000)
                self.worked += time.thread_time() - began
                self.at_work = True
                if self.worked > word + WORD_S:
                    word = self.worked
                    yield TextEvent("word ")
        finally:
            self.at_work = False
            turn.leave()


@pytest.fixture(scope="module")
def rag() -> WorkingRAG:
    return WorkingRAG(script_of("", []))


@pytest.fixture(scope="module")
def url(rag: WorkingRAG, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(rag, data=tmp_path_factory.mktemp("data")) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str, rag: WorkingRAG) -> Iterator[Page]:
    page = browser.new_context().new_page()
    page.goto(url)
    question = page.locator("#question textarea")
    expect(question).to_be_focused(timeout=60_000)
    question.fill("How much did the lake grow?")
    page.keyboard.press("Enter")
    deadline = time.monotonic() + 60
    while not rag.at_work:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    yield page
    page.context.close()


def leave(page: Page, way: str) -> None:
    if way == "closed tab":
        page.close()
    elif way == "reload":
        page.reload()
    else:
        page.locator(f"#{way}").dispatch_event("click")


@pytest.mark.parametrize("way", ["stop", "clear", "reload", "closed tab"])
def test_the_model_is_free_within_a_second(page: Page, rag: WorkingRAG, way: str) -> None:
    before = rag.worked
    leave(page, way)
    deadline = time.monotonic() + WATCHED_S
    while time.monotonic() < deadline:
        time.sleep(0.05)
    assert not rag.at_work
    assert rag.worked - before <= ALLOWED_S
