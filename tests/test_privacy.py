"""Nothing opens a connection that was not asked for: every connect of our processes, native code included."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import CORPUS

pytestmark = pytest.mark.models

# strace prints a connect or a send as ... sin_addr=inet_addr("127.0.0.1") ... or inet_pton(AF_INET6, "::1", ...).
_ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    return found


def traced(strace: str, log: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command line that runs `rag` with every network call of it and its children logged."""
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    return [
        strace,
        "-f",
        "-qq",
        "-e",
        calls,
        "-e",
        "signal=none",
        "-o",
        str(log),
        sys.executable,
        "-m",
        "rag",
        *arguments,
    ]


def addresses(log: Path) -> set[str]:
    """Return every internet address that appears in a log, name look-ups included."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return {first or second for first, second in _ADDRESS.findall(text)}


def environment() -> dict[str, str]:
    return {
        key: value for key, value in os.environ.items() if not key.startswith("RAG_") or key == "RAG_CACHE"
    }


def outside(found: set[str]) -> set[str]:
    return {
        address
        for address in found
        if not address.startswith("127.") and address not in {"::1", "0.0.0.0", "::"}
    }


def test_the_log_would_show_a_connection(strace: str, tmp_path: Path) -> None:
    """The recorder itself can fail: a connection to an address that leads nowhere is seen."""
    script = "import socket; s = socket.socket(); s.setblocking(False); s.connect_ex(('192.0.2.1', 9))"
    log = tmp_path / "log"
    command = [strace, "-f", "-qq", "-e", "trace=connect", "-o", str(log), sys.executable, "-c", script]
    subprocess.run(command, check=True)
    assert outside(addresses(log)) == {"192.0.2.1"}


def test_index_and_ask_stay_on_this_machine(strace: str, tmp_path: Path) -> None:
    for name, arguments in (
        ("index", ["index", str(CORPUS)]),
        ("ask", ["ask", "What FID does the 900M Muse model reach on CC3M?"]),
    ):
        log = tmp_path / name
        command = traced(strace, log, [*arguments, "--index", str(tmp_path / "i")])
        result = subprocess.run(
            command, env=environment(), capture_output=True, text=True, timeout=900, check=False
        )
        assert result.returncode == 0, result.stderr
        assert log.stat().st_size or name == "index"
        assert outside(addresses(log)) == set(), name
    assert "127.0.0.1" in addresses(tmp_path / "ask")  # the embedded model, so the log is not just empty


def test_chat_stays_on_this_machine(strace: str, tmp_path: Path, free_port: int) -> None:
    index = tmp_path / "i"
    subprocess.run(
        [sys.executable, "-m", "rag", "index", str(CORPUS), "--index", str(index)],
        env=environment(),
        check=True,
    )
    log = tmp_path / "chat"
    arguments = ["chat", "--index", str(index), "--port", str(free_port)]
    with subprocess.Popen(
        traced(strace, log, arguments), env=environment(), start_new_session=True
    ) as process:
        try:
            for path in ("/", "/config", "/gradio_api/startup-events"):
                wait_for(f"http://127.0.0.1:{free_port}{path}")
            time.sleep(10)  # a start-up check for newer versions would come now
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
    assert outside(addresses(log)) == set()


def wait_for(url: str) -> None:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")
