"""Say how far a long work has come: bars on a terminal, lines in a log."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rag.settings import DEFAULT_EMBEDDING_MODEL, SMALL_EMBEDDING_MODEL

if TYPE_CHECKING:
    from rag.schema import Progress

# Seconds of embedding after which the time for the rest is told, and the time that is worth a word.
_MEASURED_S = 30.0
_LINE_S = 30.0  # seconds between two lines of progress in a log
_LONG_S = 3600.0


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Yield a progress callback that draws one bar per stage on standard error, or writes lines to a log."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield progress_lines()
        return
    from tqdm import tqdm

    bars: dict[str, tqdm[Any]] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = tqdm(total=total, desc=stage, file=sys.stderr, leave=False)
        bars[stage].update(done - bars[stage].n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()


def progress_lines(clock: Callable[[], float] = time.monotonic) -> Progress:
    """Return a progress callback that writes a line every half a minute, for a log or another program."""
    began: dict[str, tuple[float, int]] = {}
    written = clock()

    def show(stage: str, done: int, total: int) -> None:
        nonlocal written
        now = clock()
        started, first = began.setdefault(stage, (now, done))
        if now - written < _LINE_S:
            return
        written = now
        line = f"{stage}: {done:,} of {total:,}"
        if done > first:
            minutes = (now - started) * (total - done) / (done - first) / 60
            line += f", about {math.ceil(minutes)} min left"
        print(line, file=sys.stderr, flush=True)

    return show


def with_advice(progress: Progress, model: str, clock: Callable[[], float] = time.monotonic) -> Progress:
    """Return `progress` that also says, once, how long a large library takes and which model is faster.

    `model` is the embedding model; about a model that the user chose nothing is said.
    """
    began: tuple[float, int] | None = None
    said = model != DEFAULT_EMBEDDING_MODEL

    def show(stage: str, done: int, total: int) -> None:
        nonlocal began, said
        progress(stage, done, total)
        if stage != "Embedding" or said:
            return
        began = began or (clock(), done)
        elapsed, embedded = clock() - began[0], done - began[1]
        if elapsed < _MEASURED_S or not embedded:
            return
        left = elapsed * (total - done) / embedded
        said = True
        if left > _LONG_S:
            print(
                f"Embedding the rest takes about {left / 3600:.1f} hours with {model}. It can be stopped and "
                f"goes on where it was. RAG_EMBEDDING_MODEL={SMALL_EMBEDDING_MODEL} is about six times as "
                "fast and finds less.",
                file=sys.stderr,
            )

    return show
