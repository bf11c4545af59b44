"""The way from a question to the place where an unsupported sentence is dropped is short, and CONTRIBUTING tells it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from tests.test_layers import imports, name_of

ROOT = Path(__file__).parent.parent
MOST_FILES = 8


def told() -> list[Path]:
    """Return the files that CONTRIBUTING lists, in its order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("### Where a sentence is dropped", 1)[1].split("\n#", 1)[0]
    return [ROOT / name for name in re.findall(r"^\d+\. `(rag/[\w/]+\.py)`", section, re.MULTILINE)]


def test_the_way_is_short_and_each_file_imports_the_next() -> None:
    files = told()
    assert 2 <= len(files) <= MOST_FILES
    assert files[0] == ROOT / "rag" / "pipeline.py"
    for file, after in pairwise(files):
        assert name_of(after) in set(imports(file)), f"{file.name} does not import {after.name}"


def test_it_ends_where_the_sentence_is_dropped_by_a_verdict() -> None:
    *_, dropping, judging = told()
    assert '_dropped("not supported")' in dropping.read_text(encoding="utf-8")
    assert "class Verifier" in judging.read_text(encoding="utf-8")
