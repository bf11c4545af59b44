"""The language model in use, which may be exchanged for another while it answers."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable

from rag.llm.base import LLM


class Lease:
    """The use of a model by one question or task; `end` ends it, and so does dropping it."""

    def __init__(self, llm: LLM, end: Callable[[], object]) -> None:
        """Hold `llm`; `end` is called once."""
        self.llm = llm
        self.end = weakref.finalize(self, end)
        self.end.atexit = False  # whoever owns the model closes it then


class LLMInUse:
    """A language model that can be exchanged; the old one is closed when the last answer with it has ended.

    Safe to use from several threads.
    """

    def __init__(self, llm: LLM) -> None:
        """Start with `llm`."""
        # Reentrant, because the end of a dropped lease may run wherever memory is collected.
        self._lock = threading.RLock()
        self._llm = llm
        self._leases: Counter[LLM] = Counter()

    @property
    def llm(self) -> LLM:
        """The model that the next question gets."""
        return self._llm

    def lease(self) -> Lease:
        """Return the model for one use; it stays open until that ends."""
        with self._lock:
            llm = self._llm
            self._leases[llm] += 1
        return Lease(llm, lambda: self._end(llm))

    def exchange(self, llm: LLM) -> None:
        """Give `llm` to the questions from now on."""
        with self._lock:
            old, self._llm = self._llm, llm
            unused = not self._leases[old]
        if unused:
            old.close()

    def close(self) -> None:
        """Close the model, and those before it that still answer."""
        with self._lock:
            every = {self._llm, *self._leases}
            self._leases.clear()
        for llm in every:
            llm.close()

    def _end(self, llm: LLM) -> None:
        with self._lock:
            self._leases[llm] -= 1
            left = self._leases[llm] > 0
            if not left:
                del self._leases[llm]
            retired = llm is not self._llm
        if retired and not left:
            llm.close()
