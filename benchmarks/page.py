"""Time the page in Chromium: the first load, a question, a long conversation, typing.

    python -m benchmarks.page [--runs 10] [--json FILE]
    python -m benchmarks.page --real [--limit 12] [--rest 3] [--index DIR]

Without `--real` a scripted library answers at once, so that all of the time is the page's. It measures the
seconds until the question box can be typed into, the seconds from Enter until sources and first words are
painted, the bytes that turn 30 receives, and the milliseconds from a key to the next painted frame after 30
and 51 turns, with 20 conversations of 50 turns kept. `--real` asks benchmarks/data/corpus of an index with
warm models, each question in a new window. A change counts as painted in the next frame. Prints medians and
maxima.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.common import parser
from benchmarks.screenshots import open_browser, serving
from benchmarks.scripted import READER, keep_conversations, scripted_library
from rag import RAG
from rag.evaluation.datasets.loading import limited, load_dataset
from ui.reader import COOKIE

QUESTIONS = Path(__file__).resolve().parent / "data" / "corpus"
# Turns of the conversations that were kept before, of which one goes on.
KEPT = (29, *[50] * 20)
KEYS = 60
# Records when each selector was first painted after Enter.
_WATCH = """
() => {
  window.painted = {};
  const watched = {sources: ".card", answer: ".answer"};
  const look = () => {
    for (const [name, selector] of Object.entries(watched)) {
      const shown = [...document.querySelectorAll(selector)].filter((part) => part.textContent.trim()).length;
      if (name in window.painted || shown <= (window.before?.[name] ?? 0)) continue;
      window.painted[name] = 0;
      requestAnimationFrame(() => requestAnimationFrame(() => {
        window.painted[name] = performance.now() - window.asked;
      }));
    }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
  document.addEventListener("keydown", (key) => {
    if (key.key === "Enter") window.asked = performance.now();
  }, true);
}
"""
# Records the milliseconds from each key to the frame that shows its letter.
_KEYS = """
() => {
  window.delays = [];
  document.addEventListener("keydown", () => {
    const pressed = performance.now();
    requestAnimationFrame(() => setTimeout(() => window.delays.push(performance.now() - pressed)));
  }, true);
}
"""


def ask(page: Page, question: str, turns: int) -> None:
    """Ask, and wait for the end of the answer that makes `turns` turns."""
    page.locator("#question textarea").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "n => document.querySelectorAll('.turn[aria-busy=false]').length >= n", arg=turns, timeout=120_000
    )


def painted(browser: Browser, url: str, question: str, rest: float = 0.0) -> Mapping[str, float]:
    """Ask in a new window, `rest` seconds after it can be typed into; return the seconds until each paint."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.locator("#question textarea").wait_for()
        page.wait_for_timeout(1000 * rest)
        page.evaluate(_WATCH)
        ask(page, question, 1)
        page.wait_for_timeout(100)
        found: dict[str, float] = page.evaluate("() => window.painted")
    return {name: value / 1000 for name, value in found.items() if value}


@contextmanager
def received(page: Page) -> Iterator[list[int]]:
    """Count the bytes that the page receives, as they come over the network."""
    counted: list[int] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def count(data: Mapping[str, Any]) -> None:
        counted.append(int(data["encodedDataLength"] or data["dataLength"]))

    session.on("Network.dataReceived", count)
    yield counted
    page.wait_for_timeout(500)  # what comes after the last word
    session.detach()


def first_load(browser: Browser, url: str) -> Mapping[str, float]:
    """Open the page with an empty cache; return the seconds until it can be typed into, and the kilobytes."""
    with browser.new_context() as context:
        page = context.new_page()
        with received(page) as counted:
            page.goto(url, wait_until="commit")
            page.locator("#question textarea").wait_for()
            seconds = page.evaluate("() => performance.now()") / 1000
    return {"first load": seconds, "first load, kB": sum(counted) / 1000}


def next_turn(browser: Browser, url: str, known: str) -> Mapping[str, float]:
    """Ask once more in a conversation that was kept; return the kilobytes of that, and the delay of a key."""
    with browser.new_context() as context:
        context.add_cookies([{"name": COOKIE, "value": READER, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/?c={known}")
        page.locator(".turn").first.wait_for()
        turns = page.locator(".turn").count()
        with received(page) as counted:
            ask(page, "What does it reach?", turns + 1)
        page.evaluate(_KEYS)
        page.locator("#question textarea").press_sequentially("x" * KEYS, delay=40)
        page.wait_for_timeout(200)
        delays: list[float] = page.evaluate("() => window.delays")
    name = f"turn {turns + 1}"
    return {
        f"{name}, kB": sum(counted) / 1000,
        f"{name}, a key, ms": statistics.median(delays),
        f"{name}, slowest key, ms": max(delays),
    }


def scripted(options: argparse.Namespace) -> list[Mapping[str, float]]:
    """Measure the page over a scripted library."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = open_browser(playwright)
        kept = keep_conversations(Path(folder) / "conversations", KEPT)
        with serving(scripted_library(), data=Path(folder)) as url:
            first_load(browser, url)  # the server's own first time
            seen = [first_load(browser, url) for _ in range(options.runs)]
            seen += [painted(browser, url, "What does it reach?") for _ in range(options.runs)]
            seen += [next_turn(browser, url, known) for known in kept[:2]]
        browser.close()
    return seen


def real(options: argparse.Namespace) -> list[Mapping[str, float]]:
    """Measure questions on an index, with warm models."""
    asked = [query for query in load_dataset(QUESTIONS).queries if query.answerable and not query.every]
    seen = []
    with RAG.open(options.index) as rag, serving(rag) as url, sync_playwright() as playwright:
        rag.warm()  # what `rag chat` does before it is asked
        rag.embed_sentences()
        rag.prefill()
        browser = open_browser(playwright)
        for query in limited(asked, options.limit):
            seen.append(painted(browser, url, query.text, options.rest))
            print(query.query_id, seen[-1], file=sys.stderr)
        browser.close()
    return seen


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    command = parser(__doc__)
    add = command.add_argument
    add("--real", action="store_true", help="ask an index with the real models")
    add("--runs", type=int, default=10, metavar="N", help="how often each is measured (default: 10)")
    add("--limit", type=int, metavar="N", help="with --real, how many questions (default: all)")
    text = "with --real, seconds from a page that is there to its question (default: 0)"
    add("--rest", type=float, default=0.0, metavar="S", help=text)
    add("--index", type=Path, metavar="DIR", help="an index of corpus/ (default: the configured)")
    add("--json", type=Path, metavar="FILE", help="write every measurement here")
    options = command.parse_args(argv)
    seen = real(options) if options.real else scripted(options)
    print("| measure | median | highest | n |\n|---|---|---|---|")
    for name in dict.fromkeys(name for found in seen for name in found):
        values = [found[name] for found in seen if name in found]
        print(f"| {name} | {statistics.median(values):.2f} | {max(values):.2f} | {len(values)} |")
    if options.json:
        options.json.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
