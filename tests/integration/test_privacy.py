"""Nothing opens a connection that was not asked for: every connect of our processes, native code included."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.llm

# strace prints a connect or a send as ... sin_addr=inet_addr("127.0.0.1") ... or inet_pton(AF_INET6, "::1", ...).
_LOOKUP = re.compile(r"sin6?_port=htons\(53\)")
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
    options = [*("-f", "--seccomp-bpf", "-qq"), *("-e", calls), *("-e", "signal=none"), *("-o", str(log))]
    return [strace, *options, sys.executable, "-m", "rag", *arguments]


def addresses(log: Path) -> set[str]:
    """Return every internet address that appears in a log, and "a name look-up" when one was tried.

    A resolver may itself listen on loopback, so any packet to port 53 counts.
    """
    text = log.read_text(encoding="utf-8", errors="replace")
    found = {first or second for first, second in _ADDRESS.findall(text)}
    return found | ({"a name look-up"} if _LOOKUP.search(text) else set())


# Libraries keep quiet on a build machine (CI=...), where this test would then prove nothing.
_KEPT = {
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "PYTHONPATH",
    "RAG_CACHE",
    "TMPDIR",
    "VIRTUAL_ENV",
    "XDG_CONFIG_HOME",
}


def environment() -> dict[str, str]:
    """Return an environment in which nothing but our own code keeps the libraries quiet."""
    return {key: value for key, value in os.environ.items() if key in _KEPT}


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


@pytest.fixture
def pile(tmp_path: Path) -> Path:
    """Two abstracts: which ones are read makes no difference to who is told."""
    file = tmp_path / "pile.txt"
    muse = "We present Muse, a text-to-image Transformer. The 900M Muse model reaches an FID of 6.06 on CC3M."
    file.write_text(f"{muse}\n\n我们提出混合精度量化框架,把推理能耗降低了37%。\n", encoding="utf-8")
    return file


def test_index_and_ask_stay_on_this_machine(strace: str, tmp_path: Path, pile: Path) -> None:
    for name, arguments in (
        ("index", ["index", str(pile)]),
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


@pytest.mark.browser
def test_chat_stays_on_this_machine_while_a_question_is_asked(
    strace: str, tmp_path: Path, pile: Path, free_port: int, browser: Browser
) -> None:
    index = tmp_path / "i"
    command = [sys.executable, "-m", "rag", "index", str(pile), "--index", str(index)]
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    log = tmp_path / "chat"
    arguments = ["chat", "--index", str(index), "--port", str(free_port)]
    home = f"http://127.0.0.1:{free_port}/"
    requests: list[str] = []
    with subprocess.Popen(
        traced(strace, log, arguments), env=environment(), stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            wait_for(home)
            page = browser.new_page()
            page.on("request", lambda request: requests.append(request.url))
            page.goto(home)
            page.get_by_role("textbox").fill("What FID does the 900M Muse model reach on CC3M?")
            page.keyboard.press("Enter")
            page.wait_for_selector(".turn[aria-busy=false]", timeout=400_000)
            assert "6.06" in page.locator(".answer").inner_text()
            page.close()
            time.sleep(5)  # a start-up check for newer versions would have come by now
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
    assert outside(addresses(log)) == set()
    assert {url for url in requests if not url.startswith((home, "data:", "blob:"))} == set()
    assert len(requests) > 3


def wait_for(url: str) -> None:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")
