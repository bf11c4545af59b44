"""Make the README's screenshots of the page in Chromium: `python benchmarks/screenshots.py`.

Serves the default index with warm models, and draws an answer with the card of its citation, and the list and
the map of the library.
"""

from __future__ import annotations

import argparse
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from uvicorn import Server

from ui.engine import Library
from ui.server import listen, make_server

WIDTH, HEIGHT = 1440, 900  # CSS pixels
Scheme = Literal["light", "dark"]
QUESTION = "What FID does the 900M Muse model reach on CC3M?"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
FLAGS += ["--disable-quic"]


@contextmanager
def serving(rag: Library, data: Path | None = None) -> Iterator[str]:
    """Serve the page over `rag` on a free loopback port and yield its URL; keep nothing without `data`."""
    with TemporaryDirectory() as folder, running(make_server(rag, data=data or Path(folder))) as url:
        yield url


@contextmanager
def running(server: Server) -> Iterator[str]:
    """Run a server in a thread on a free loopback port and yield its URL."""
    with closing(listen("127.0.0.1", 0)) as bound:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def open_browser(playwright: Playwright) -> Browser:
    """Start the installed Chromium without background connections."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)


def draw(browser: Browser, url: str, file: Path, look: Callable[[Page], None], scheme: Scheme) -> None:
    """Open the page in a wide window, do what `look` does, and save a PNG."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=2,
        color_scheme=scheme,
        locale="en-US",  # the page speaks the browser's language
    )
    page = context.new_page()
    page.goto(url)
    look(page)
    page.wait_for_timeout(1200)  # smooth scrolling ends
    page.screenshot(path=file)
    context.close()


def ask(page: Page, question: str) -> None:
    """Ask a question and wait for the end of the answer."""
    page.locator("#question textarea").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn[aria-busy=false]", timeout=180_000)
    page.mouse.move(0, 0)


def answer_with_card(page: Page) -> None:
    """Show an answer, its sources and the card of its first citation."""
    ask(page, QUESTION)
    page.locator(".cite").first.hover()


def library_list(page: Page) -> None:
    """Show the list of the library, newest first."""
    page.locator("#room-library-button").click()
    page.wait_for_selector(".works li", timeout=60_000)


def library_map(page: Page) -> None:
    """Show the map of the library."""
    page.locator("#room-library-button").click()
    page.get_by_role("tab", name="Map", exact=True).click()
    page.wait_for_selector(".js-plotly-plot .points", timeout=60_000)


def main() -> None:
    """Write answer.png, library.png and map.png."""
    from rag import RAG

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "ui" / "screenshots")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with RAG.open() as rag, serving(rag) as url, sync_playwright() as playwright:
        rag.warm()
        browser = open_browser(playwright)
        draw(browser, url, out / "answer.png", answer_with_card, "light")
        draw(browser, url, out / "library.png", library_list, "dark")
        draw(browser, url, out / "map.png", library_map, "light")
        browser.close()


if __name__ == "__main__":
    main()
