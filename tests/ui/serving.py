"""A page served in this process, for tests that talk to it over HTTP."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, expect

from ui.engine import Library
from ui.server import listen, make_server


def visit(page: Page, url: str) -> None:
    """Open a page, and wait until it has taken the place of its first screen."""
    page.goto(url)
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page has taken the place of its first screen."""
    expect(page.locator("#first")).to_have_count(0, timeout=30_000)


def watch(page: Page, problems: list[str]) -> None:
    """Collect every error of the page's scripts in `problems`.

    What the toolkit says of its own open requests when a window is closed or loaded again is no error of ours,
    and whether it still has the time to say so depends on the machine.
    """

    def heard(text: str) -> None:
        if not re.match("AbortError|Unexpected error Connection errored", text):
            problems.append(text)

    page.on("pageerror", lambda error: heard(str(error)))
    page.on("console", lambda line: line.type == "error" and heard(line.text))


@contextmanager
def serving(rag: Library, host: str = "127.0.0.1", **options: Any) -> Iterator[str]:
    """Yield the address of a page over `rag`; `options` are those of `make_server`."""

    async def make() -> Any:  # outside of an event loop Gradio makes some, and leaves them open
        return make_server(rag, host, **options)

    with closing(listen("127.0.0.1", 0)) as bound, TemporaryDirectory() as folder:
        options.setdefault("data", Path(folder))
        with ThreadPoolExecutor(1) as apart:  # the browser's loop runs in this thread
            server = apart.submit(lambda: asyncio.run(make())).result()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)
            assert not thread.is_alive()
