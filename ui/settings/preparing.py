"""Prepare abstracts in the background: one run at a time, which goes on when its tab is closed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from rag import RagError
from ui.engine import Library


@dataclass
class Preparing:
    """The run that is shown to every reader; `error` is why the last one ended early."""

    library: Library
    done: int = 0
    total: int = 0
    error: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: bool = False

    @property
    def running(self) -> bool:
        """Whether abstracts are being prepared."""
        return self._running

    def start(self) -> None:
        """Start a run unless there is one."""
        with self._lock:
            if self._running:
                return
            self._running, self.error = True, None
            self._stop.clear()
        threading.Thread(target=self._run, name="prepare", daemon=True).start()

    def stop(self) -> None:
        """End the run after the abstract that it reads; what is prepared stays."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self.library.prefill(self._note, self._stop)
        except RagError as error:
            self.error = str(error)
        finally:
            self._running = False
        if not self.error:
            self.library.write_examples(stop=self._stop)

    def _note(self, stage: str, done: int, total: int) -> None:
        self.done, self.total = done, total
