"""Make the README's screenshots of the page in Chromium: `python benchmarks/screenshots.py`.

Serves the default index with warm models, asks one question, follows its first citation in a wide window, and
saves the page.
"""

from __future__ import annotations

import argparse
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Playwright, sync_playwright

from ui.engine import Library
from ui.server import listen, make_server

SIZES = {"wide": (1360, 900), "narrow": (420, 900)}
QUESTION = "What FID does the 900M Muse model reach on CC3M?"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
FLAGS += ["--disable-quic"]


@contextmanager
def serving(rag: Library, data: Path | None = None) -> Iterator[str]:
    """Serve the page over `rag` on a free loopback port and yield its URL; keep nothing without `data`."""
    with closing(listen("127.0.0.1", 0)) as bound, TemporaryDirectory() as folder:
        server = make_server(rag, data=data or Path(folder))
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


def draw(browser: Browser, url: str, question: str, file: Path, size: tuple[int, int], scheme: str) -> None:
    """Ask `question` at `url` in a window of `size` CSS pixels and save a PNG."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2,
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-US",  # the page speaks the browser's language
    )
    page = context.new_page()
    page.goto(url)
    page.get_by_role("textbox").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn[aria-busy=false]", timeout=120_000)
    if width >= SIZES["wide"][0] and page.locator(".cite").count():
        page.locator(".cite").first.click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(600)  # smooth scrolling ends
    page.screenshot(path=file)
    context.close()


def main() -> None:
    """Write wide.png, narrow.png and wide-dark.png."""
    from rag import RAG

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "ui" / "screenshots")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with RAG.open() as rag, serving(rag) as url, sync_playwright() as playwright:
        rag.warm()
        browser = open_browser(playwright)
        for name, size in SIZES.items():
            draw(browser, url, QUESTION, out / f"{name}.png", size, "light")
        draw(browser, url, QUESTION, out / "wide-dark.png", SIZES["wide"], "dark")
        browser.close()


if __name__ == "__main__":
    main()
