"""Stop a reply of the embedded model at once, in whatever phase it is.

llama.cpp notices a closed connection between two tokens, but during prefill only once a second and between
two batches. So an abandoned prefill ends with its process, and the next reply starts a new one.
See docs/decisions.md#stopping-a-reply.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rag.errors import LLMStoppedError
from rag.llm.llama_cpp.process import LlamaProcess


class StoppableReply:
    """One reply on its way through the process: `stop` does what ends the current phase."""

    def __init__(self) -> None:
        """Be in no phase."""
        self._lock = threading.RLock()
        self._end: Callable[[], None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the current phase and let no other begin; any thread may call it, at any time."""
        with self._lock:
            self._stopped = True
            if self._end is not None:
                self._end()

    @contextmanager
    def phase(self, end: Callable[[], None]) -> Iterator[None]:
        """Be in a phase that `end` ends; raise LLMStoppedError if the reply is stopped already."""
        with self._lock:
            if self._stopped:
                raise LLMStoppedError
            self._end = end
        try:
            yield
        except KeyboardInterrupt:  # the asking thread itself gives up
            end()
            raise
        finally:
            with self._lock:
                self._end = None


class ProcessUse:
    """Counts the replies in the process, because an abandoned one must not end the others."""

    def __init__(self) -> None:
        """Count none."""
        self._lock = threading.Lock()
        self._count = 0
        self._condemned: LlamaProcess | None = None

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a reply, from its prefill to its end."""
        with self._lock:
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                self._kill_if_alone()

    @contextmanager
    def prefilling(self, reply: StoppableReply, process: LlamaProcess) -> Iterator[None]:
        """Let `reply` end `process` meanwhile: at once, or when no other reply is left in it."""

        def kill() -> None:
            with self._lock:
                self._condemned = process
                self._kill_if_alone()

        try:
            with reply.phase(kill):
                yield
        finally:
            self._condemned = None

    def _kill_if_alone(self) -> None:
        if self._condemned is not None and self._count <= 1:
            self._condemned.close()
