"""Gradio, imported when a page is built, with everything off that it would send."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any


def load_gradio() -> Any:
    """Import gradio with everything off that it would send: read at its import, so set before it."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # Its statistics of questions, for the monitoring page that is off here, cost a table after every event.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1000000000"
    with _usable_proxies():
        import gradio

    return gradio


@contextlib.contextmanager
def _usable_proxies() -> Iterator[None]:
    """Hide proxy variables that httpx refuses: gradio makes clients at its import, and the page uses none."""
    import httpx

    hidden: dict[str, str] = {}
    try:
        if "gradio" not in sys.modules:
            httpx.Client().close()
    except (ImportError, ValueError, httpx.InvalidURL):
        names = [name for name in os.environ if name.lower().endswith("_proxy")]
        hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)
