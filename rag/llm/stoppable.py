"""One question's use of a language model, which any thread can end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from weakref import WeakSet

from rag.errors import LLMStoppedError
from rag.llm.base import LLM, Message, TextStream
from rag.llm.forwarding import ForwardingLLM
from rag.llm.logprobs import Logprobs


class StoppableLLM(ForwardingLLM):
    """A language model that, once stopped, ends its replies and starts no other; the model itself stays."""

    def __init__(self, llm: LLM) -> None:
        """Use `llm` until `stop` is called."""
        super().__init__(llm)
        self._lock = threading.Lock()
        self._replies: WeakSet[TextStream] = WeakSet()
        self._stopped = False

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Return the model's reply; raise LLMStoppedError after `stop`."""
        with self._lock:
            if self._stopped:
                raise LLMStoppedError
            reply = self._llm.stream(messages, max_tokens=max_tokens, grammar=grammar, logprobs=logprobs)
            self._replies.add(reply)
        return reply

    @property
    def stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """End the replies; a thread that waits for one gets LLMStoppedError."""
        with self._lock:
            self._stopped = True
            replies = list(self._replies)
        for reply in replies:
            reply.close()

    def close(self) -> None:
        """Stop, and leave the model to its owner."""
        self.stop()
