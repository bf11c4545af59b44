"""Time the page in Chromium: seconds from Enter until the sources and the first words are painted.

    python -m benchmarks.page [--limit 12] [--index DIR] [--json FILE]

A fixed sample of benchmarks/data/corpus is asked, each question in a new window of one warm server. A change
counts as painted in the next frame. Prints medians and maxima.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.common import parser
from benchmarks.screenshots import open_browser, serving
from rag import RAG
from rag.evaluation.datasets.loading import limited, load_dataset

QUESTIONS = Path(__file__).resolve().parent / "data" / "corpus"
# Records when each selector was first painted after Enter.
_WATCH = """
() => {
  window.painted = {};
  const watched = {sources: ".card", answer: ".answer"};
  const look = () => {
    for (const [name, selector] of Object.entries(watched)) {
      if (name in window.painted || !document.querySelector(selector)) continue;
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


def painted(browser: Browser, url: str, question: str) -> Mapping[str, float]:
    """Ask in a new window; return the seconds until each part was painted."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.get_by_role("textbox").fill(question)
        page.evaluate(_WATCH)
        page.keyboard.press("Enter")
        page.wait_for_selector(".turn[aria-busy=false]", timeout=120_000)
        page.wait_for_timeout(100)
        found: dict[str, float] = page.evaluate("() => window.painted")
    return {name: value / 1000 for name, value in found.items() if value}


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, and print the table."""
    command = parser(__doc__)
    command.add_argument("--limit", type=int, metavar="N", help="how many questions (default: all)")
    command.add_argument(
        "--index", type=Path, metavar="DIR", help="an index of corpus/ (default: the configured)"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the seconds of every question here")
    options = command.parse_args(argv)
    asked = [query for query in load_dataset(QUESTIONS).queries if query.answerable and not query.every]
    seen = {}
    with RAG.open(options.index) as rag, serving(rag) as url, sync_playwright() as playwright:
        rag.warm()
        rag.prefill()
        browser = open_browser(playwright)
        for query in limited(asked, options.limit):
            seen[query.query_id] = painted(browser, url, query.text)
            print(query.query_id, seen[query.query_id], file=sys.stderr)
        browser.close()
    print("| painted, seconds after Enter | median | slowest | questions |\n|---|---|---|---|")
    for name in ("sources", "answer"):
        values = [moments[name] for moments in seen.values() if name in moments]
        print(f"| {name} | {statistics.median(values):.2f} | {max(values):.2f} | {len(values)} |")
    if options.json:
        options.json.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
