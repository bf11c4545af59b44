"""Papers being added in a thread of their own: how far it is, how fast, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag import AddReport, RagError
from ui.engine import Library


@dataclass
class Job:
    """One run of adding; `reader` started it. Read by the page while the thread writes."""

    reader: str
    stop: threading.Event = field(default_factory=threading.Event)
    stage: str = ""
    done: int = 0
    total: int = 0
    report: AddReport | None = None
    error: str | None = None
    _began: float = 0.0
    _first: int = 0
    _thread: threading.Thread | None = None

    def start(self, library: Library, paths: Sequence[Path]) -> None:
        """Add the abstracts in `paths`."""
        arguments = (library, paths)
        self._thread = threading.Thread(target=self._run, args=arguments, name="adding", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._thread is not None and self._thread.is_alive()

    def rate(self) -> float | None:
        """Return how many are done a second in this stage, None while that is not known."""
        took, done = time.monotonic() - self._began, self.done - self._first
        return done / took if took > 1.0 and done > 0 else None

    def left(self) -> float | None:
        """Return the seconds that this stage will still take, None while that is not known."""
        rate = self.rate()
        return (self.total - self.done) / rate if rate else None

    def _run(self, library: Library, paths: Sequence[Path]) -> None:
        try:
            self.report = library.add(paths, self._heard, self.stop)
        except RagError as error:
            self.error = str(error)

    def _heard(self, stage: str, done: int, total: int) -> None:
        if stage != self.stage:
            self.stage, self._began, self._first = stage, time.monotonic(), done
        self.done, self.total = done, total


class Jobs:
    """At most one run at a time: an index has one writer."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self.current: Job | None = None

    def begin(self, reader: str, library: Library, paths: Sequence[Path]) -> Job | None:
        """Start a run; None while another one goes on."""
        with self._lock:
            if self.current is not None and self.current.running:
                return None
            self.current = Job(reader)
            self.current.start(library, paths)
            return self.current
