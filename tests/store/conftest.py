"""A real Chroma server, for the tests of this folder."""

from __future__ import annotations

import contextlib
import gc
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def chroma_server(tmp_path: Path, free_port: int) -> Iterator[str]:
    """A real Chroma server on loopback."""
    command = [Path(sys.executable).with_name("chroma"), "run", "--path", tmp_path / "server"]
    with subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(free_port)], stdout=subprocess.DEVNULL, cwd=tmp_path
    ) as server:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", free_port), 1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{free_port}"
        finally:
            server.terminate()
            with warnings.catch_warnings():  # Chroma's own client never closes its connections
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()
