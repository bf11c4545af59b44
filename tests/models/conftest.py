"""Fixtures that the tests of models share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.models.test_models import CopyDownload, tiny_file, write_wheels


@pytest.fixture
def download(tmp_path: Path) -> CopyDownload:
    write_wheels(tmp_path / "wheels", tiny_file())
    return CopyDownload(tmp_path / "wheels")


Handler = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], str]]:
    servers: list[ThreadingHTTPServer] = []

    def start(handle: Handler) -> str:
        class Hub(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                handle(self)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Hub))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
