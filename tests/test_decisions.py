"""Every pointer from the code to docs/decisions.md names a section that is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def anchor(title: str) -> str:
    """Return a heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def test_pointers_lead_to_sections() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    sections = {anchor(title) for title in re.findall(r"^## (.*)$", text, re.MULTILINE)}
    files = [
        path for folder in ("rag", "ui", "training", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    ]
    named = {
        name
        for path in files
        for name in re.findall(r"decisions\.md#([\w-]+)", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named - sections == set()
