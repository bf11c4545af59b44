"""`rag index` says how long a large library takes, and which model is faster; once, and only then."""

from __future__ import annotations

import pytest

from rag.cli.progress import progress_bars, progress_lines, with_advice
from rag.settings import DEFAULT_EMBEDDING_MODEL, SMALL_EMBEDDING_MODEL


def told(capsys: pytest.CaptureFixture[str], total: int, model: str = DEFAULT_EMBEDDING_MODEL) -> str:
    """Return what is said while 4 texts a second are embedded for ten minutes, after 1,000 that were there."""
    now = 0.0
    seen: list[tuple[str, int, int]] = []
    progress = with_advice(lambda *step: seen.append(step), model, lambda: now)
    progress("Reading", 5, 5)
    for done in range(1000, total, 64):
        now = (done - 1000) / 4
        progress("Embedding", done, total)
        if now > 600:
            break
    assert len(seen) > 1
    return capsys.readouterr().err


def test_a_large_library_is_told_its_hours_and_the_faster_model(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, 50_000)
    assert said.startswith("Embedding the rest takes about 3.")
    assert f"RAG_EMBEDDING_MODEL={SMALL_EMBEDDING_MODEL}" in said
    assert said.count("\n") == 1


def test_nothing_is_said_of_a_small_one_or_of_a_model_that_was_chosen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(capsys, 5_000) == ""
    assert told(capsys, 50_000, "another-model") == ""


def test_a_log_gets_a_line_every_half_minute_with_the_time_that_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    progress = progress_lines(lambda: now)
    for done in range(0, 1200, 10):
        now = float(done)
        progress("Embedding", done, 1200)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1200 // 30 - 1
    assert lines[0] == "Embedding: 30 of 1,200, about 20 min left"
    assert lines[-1] == "Embedding: 1,170 of 1,200, about 1 min left"


def test_what_is_soon_done_writes_nothing_to_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        progress("Reading", 1, 1)
    assert capsys.readouterr().err == ""
