"""Killed at any moment, an index is as after its last finished change, and the next run goes on.

A sample runs here; `make soak` kills a hundred times over 2,000 abstracts, and six times with a real embedder.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.store.index import open_store
from rag.store.manifest import MANIFEST_FILE
from tests.indexing.kill_target import STATES, follow, state
from tests.indexing.test_sync import contents
from tests.soak import SOAK

KILLS = 2 * SOAK
SIZE = 200 if SOAK == 1 else 2000
Records = set[tuple[str, int, str]]


def held(index: Path) -> Records:
    """Return file, position and text of every record in an index."""
    with closing(open_store(index)) as store:
        return {(r.source.file, r.source.position, r.paper.text) for r in store.catalog.records()}


def expected(number: int) -> Records:
    files = state(number, SIZE).items()
    return {(name, at, text) for name, texts in files for at, text in enumerate(texts, 1)}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Return an index that nobody interrupted, and the seconds that it took a process of its own."""
    home = tmp_path_factory.mktemp("whole")
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tests.indexing.kill_target", str(home), str(SIZE)], check=True)
    return home / "index", time.perf_counter() - started


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_writer_loses_and_doubles_nothing(
    uninterrupted: tuple[Path, float], tmp_path: Path, kill: int
) -> None:
    whole, took = uninterrupted
    after = took * float(np.random.default_rng(kill).uniform(0.1, 1.0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.indexing.kill_target", str(tmp_path), str(SIZE)],
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    index = tmp_path / "index"
    if (index / MANIFEST_FILE).exists():
        assert held(index) in [expected(number) for number in range(STATES)]
    follow(tmp_path / "files", index, range(STATES - 1, STATES), SIZE)
    found, reference = contents(index), contents(whole)
    assert found == reference
    with closing(open_store(index)) as ours, closing(open_store(whole)) as theirs:
        ids = reference["chunks"]
        cosines = np.sum(ours.aligned(ids)[1] * theirs.aligned(ids)[1], axis=1)
        assert float(cosines.min()) > 0.999
