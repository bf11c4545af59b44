"""Every example runs as it stands, on an index of the default corpus."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.llm
SAYS = {
    "ask": "6.06",
    "judge": "supported, supported 0.",
    "judge_llama_index": "faithful: True. Butterflies did not change.",
    "llama_index_engine": "6.06",
    "llama_index_retriever": "Bees forage less",
    "evaluate_questions": "unanswerable",
}


def test_every_example_is_run() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(name: str, index: Path) -> None:
    found = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py")],
        env=os.environ | {"RAG_INDEX": str(index)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert SAYS[name] in found.stdout
