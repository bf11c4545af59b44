"""Time the first load of the page in Chromium, beside an almost empty page of the same toolkit.

    python -m benchmarks.first_load [--runs 10] [--also NAME=URL] [--json FILE]

Each run opens every page in a new browser profile (cold) and then a second time in the same one (warm), in
turn, so that what else the machine does meets all of them alike. The almost empty page has one text box and
one piece of HTML. `--also` measures another page that is served already, such as that of an earlier commit.

- typing: seconds from the start of the navigation until a question box is painted that takes typing
- page: seconds until the question box of the page itself is there
- sent: seconds until the browser sends a question that was typed and sent with Enter as early as it could be
- requests, kB: what was asked for until then, and its length as the network carries it

Prints medians, lowest and highest, and the ratio of the medians to those of the almost empty page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.common import parser
from benchmarks.screenshots import open_browser, running, serving
from benchmarks.scripted import scripted_library
from ui.toolkit import load_gradio

EMPTY, OURS = "almost empty", "citefold"
QUESTION = "What does it reach?"
_BOX, _PAGE = ":is(#first, #question) textarea", "#question textarea"
_WATCH = """
([box, page, question]) => {
  const times = (window.measured = {});
  const look = () => {
    if (!("page" in times) && document.querySelector(page)) times.page = performance.now();
    if ("typing" in times || !document.querySelector(box)) return;
    times.typing = 0;
    requestAnimationFrame(() => setTimeout(() => (times.typing = performance.now())));
  };
  new MutationObserver(look).observe(document, {subtree: true, childList: true});
  const fetched = window.fetch;
  window.fetch = (...given) => {
    const sent = String(given[0]).includes("queue/join") && String(given[1]?.body).includes(question);
    if (sent && !("sent" in times)) times.sent = performance.now();
    return fetched(...given);
  };
}
"""
_COUNT = """
() => {
  const end = window.measured.sent;
  const all = performance.getEntriesByType("resource").filter((one) => one.startTime < end);
  const first = performance.getEntriesByType("navigation")[0];
  return [all.length + 1, all.reduce((sum, one) => sum + one.transferSize, first.transferSize) / 1000];
}
"""


@contextmanager
def almost_empty() -> Iterator[str]:
    """Serve a page with one text box and one piece of HTML; yield its address."""
    import uvicorn
    from fastapi import FastAPI

    gr, outer = load_gradio(), FastAPI()

    async def build() -> None:
        with gr.Blocks(analytics_enabled=False) as app:
            shown = gr.HTML("<p>Nothing yet.</p>")
            box = gr.Textbox(label="Question", elem_id="question", autofocus=True)
            box.submit(lambda text: "<p>Asked.</p>", box, shown)
        gr.mount_gradio_app(outer, app, path="/", ssr_mode=False)

    asyncio.run(build())
    with running(
        uvicorn.Server(uvicorn.Config(outer, log_level="critical", timeout_graceful_shutdown=1))
    ) as url:
        yield url


def load(context: BrowserContext, url: str) -> Mapping[str, float]:
    """Open the page, type a question as soon as a box takes it, and send it; return what was measured."""
    page = context.new_page()
    page.add_init_script(f"({_WATCH})({json.dumps([_BOX, _PAGE, QUESTION])})")
    page.goto(url, wait_until="commit")
    page.locator(_BOX).first.wait_for()
    page.locator(_BOX).first.focus()
    page.keyboard.insert_text(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.measured.sent", timeout=60_000)
    times: dict[str, float] = page.evaluate("() => window.measured")
    requests, kilobytes = page.evaluate(_COUNT)
    page.close()
    return {name: value / 1000 for name, value in times.items()} | {"requests": requests, "kB": kilobytes}


def measure(browser: Browser, pages: Mapping[str, str], runs: int) -> list[dict[str, Any]]:
    """Open every page `runs` times, cold and warm; return all measurements."""
    seen = []
    for run in range(-1, runs):  # the first is the server's own first time
        for name, url in pages.items():
            with browser.new_context() as context:
                for cache in ("cold", "warm"):
                    found = {"run": run, "page": name, "cache": cache, "measured": load(context, url)}
                    seen += [found] if run >= 0 else []
            print(found, file=sys.stderr)
    return seen


def table(seen: Sequence[Mapping[str, Any]], pages: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| cache | measure | " + " | ".join(pages) + " | ratio |"
    yield "|---" * (len(pages) + 3) + "|"
    for cache in ("cold", "warm"):
        for name in ("typing", "page", "sent", "requests", "kB"):
            found = {
                page: [o["measured"][name] for o in seen if o["page"] == page and o["cache"] == cache]
                for page in pages
            }
            cells = [f"{statistics.median(v):.2f} ({min(v):.2f} to {max(v):.2f})" for v in found.values()]
            ratio = statistics.median(found[OURS]) / statistics.median(found[EMPTY])
            yield f"| {cache} | {name} | " + " | ".join(cells) + f" | {ratio:.2f} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    command = parser(__doc__)
    add = command.add_argument
    add("--runs", type=int, default=10, metavar="N", help="how often each page is opened (default: 10)")
    add("--also", action="append", default=[], metavar="NAME=URL", help="another page that is served already")
    add("--json", type=Path, metavar="FILE", help="write every measurement here")
    options: argparse.Namespace = command.parse_args(argv)
    with ExitStack() as stack:
        pages = {EMPTY: stack.enter_context(almost_empty())}
        pages[OURS] = stack.enter_context(serving(scripted_library()))
        pages |= dict(one.split("=", 1) for one in options.also)
        browser = open_browser(stack.enter_context(sync_playwright()))
        seen = measure(browser, pages, options.runs)
        browser.close()
    print("\n".join(table(seen, list(pages))))
    if options.json:
        options.json.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
