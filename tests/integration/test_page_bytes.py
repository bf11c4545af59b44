"""How much a turn sends: only what changed, however long the conversation is."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from benchmarks.page import next_turn
from benchmarks.screenshots import serving
from benchmarks.scripted import keep_conversations, scripted_library

pytestmark = pytest.mark.browser

MOST_KB = 100  # 4,600 before only what changed was sent


def test_turn_30_of_a_long_conversation_sends_little(browser: Browser, tmp_path: Path) -> None:
    [known] = keep_conversations(tmp_path / "conversations", [29])
    with serving(scripted_library(), data=tmp_path) as url:
        found = next_turn(browser, url, known)
    assert 1 < found["turn 30, kB"] < MOST_KB
