"""The page needs no proxy, so that no proxy variable can keep it from being served."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.parametrize(
    "value",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        {"HTTP_PROXY": "http://127.0.0.1:no", "NO_PROXY": "localhost"},
        {"NO_PROXY": "[::1],fd00::/8"},
    ],
)


def test_the_toolkit_is_imported_and_the_variables_stay(value: dict[str, str]) -> None:
    script = "import os; from ui.toolkit import load_gradio; load_gradio(); print({n: os.environ[n] for n in %r} == %r)"
    done = subprocess.run(
        [sys.executable, "-c", script % (list(value), value)],
        env=os.environ | value,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("True", 0), done.stderr
