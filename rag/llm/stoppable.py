"""One question's use of a language model, which any thread can end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from typing import Protocol
from weakref import WeakSet

from rag.errors import LLMStoppedError
from rag.llm.base import LLM, FinishReason, Message, PrefillOutcome, TextStream
from rag.llm.forwarding import ForwardingLLM
from rag.llm.logprobs import Logprobs


class Turn(Protocol):
    """One question's turn with a language model that several questions want (`ui.line.Ticket`)."""

    def wait(self) -> bool:
        """Wait for the turn, and return whether it has come: False once `leave` was called."""

    def leave(self) -> None:
        """Give up the turn for good; any thread may do so, also while another one waits for it."""


class StoppableLLM(ForwardingLLM):
    """A language model that, once stopped, ends its replies and starts no other; the model itself stays."""

    def __init__(self, llm: LLM, turn: Turn | None = None) -> None:
        """Use `llm` until `stop` is called; the first reply waits for `turn`, which `stop` gives up."""
        super().__init__(llm)
        self._turn = turn
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
        if self._turn is not None and not self._turn.wait():
            raise LLMStoppedError
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
        if self._turn is not None:
            self._turn.leave()
        with self._lock:
            self._stopped = True
            replies = list(self._replies)
        for reply in replies:
            reply.close()

    def close(self) -> None:
        """Stop, and leave the model to its owner."""
        self.stop()


class YieldingLLM(StoppableLLM):
    """A language model for work that nobody waits for: it stops as soon as somebody else wants the model.

    It looks before each reply and between two deltas of it. A reply that has not begun is let begin, because
    ending it there would end the process of the embedded model.
    """

    def __init__(self, llm: LLM, wanted: Callable[[], bool]) -> None:
        """Use `llm` until `wanted` returns True."""
        super().__init__(llm)
        self._wanted = wanted

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Return the model's reply, which raises LLMStoppedError once the model is wanted."""
        self._give_way()
        reply = super().stream(messages, max_tokens=max_tokens, grammar=grammar, logprobs=logprobs)
        return TextStream(self._watched(reply), reply.close)

    def prefill(self, messages: Sequence[Message]) -> PrefillOutcome:
        """Have the model cache the shared part of `messages`; raise LLMStoppedError once it is wanted."""
        self._give_way()
        outcome = super().prefill(messages)
        if outcome == "interrupted":
            raise LLMStoppedError
        return outcome

    def _watched(self, reply: TextStream) -> Generator[str, None, FinishReason]:
        for delta in reply:
            self._give_way()
            yield delta
        return reply.finish_reason or "stop"

    def _give_way(self) -> None:
        if self._wanted():
            self.stop()
            raise LLMStoppedError
