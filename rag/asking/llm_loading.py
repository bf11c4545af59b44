"""The language model loaded while the abstracts are searched, and how many questions are being answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rag.errors import LLMError, ModelError
from rag.llm.base import LLM
from rag.llm.stoppable import StoppableLLM
from rag.schema import ProgressEvent

# Seconds between two looks whether the model has loaded or the reader has left; lower notices sooner.
_LOOK_S = 0.05


class LLMLoading:
    """What the questions in progress want of the language model; safe to use from several threads."""

    def __init__(self) -> None:
        """Start with no question and no model."""
        # Reentrant, because the end of a dropped stream may run wherever memory is collected.
        self._lock = threading.RLock()
        self._asked = 0
        self._loaded_ahead: LLM | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Count a question, or a translation, for as long as it lasts."""
        with self._lock:
            self._asked += 1
        try:
            yield
        finally:
            with self._lock:
                self._asked -= 1

    def is_asked(self) -> bool:
        """Return whether anything is being asked."""
        return self._asked > 0

    def begin(self, llm: LLM) -> None:
        """Have the language model load while the abstracts are searched.

        Only the first question waits for both.
        """
        with self._lock:
            if self._loaded_ahead is not llm:
                self._loaded_ahead = llm
                self._thread = threading.Thread(target=_warm, args=(llm,), daemon=True)
                self._thread.start()

    def forget(self) -> None:
        """Load the model again for the next question: stopping a reply may have ended its process."""
        with self._lock:
            self._loaded_ahead = None

    def until_loaded(self, llm: StoppableLLM) -> Iterator[ProgressEvent]:
        """Wait until the language model is loaded or the reader has left; say so if there is a wait."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        yield ProgressEvent("loading")
        while thread.is_alive() and not llm.stopped:
            thread.join(_LOOK_S)


def _warm(llm: LLM) -> None:
    with suppress(LLMError, ModelError):  # raised again when the model is asked
        llm.warm()
