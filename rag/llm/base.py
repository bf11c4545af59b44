"""The protocol of a language model: messages in, a stream of text out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from rag.errors import LLMError, LLMStoppedError
from rag.llm.logprobs import Logprobs

PrefillOutcome = Literal["cached", "interrupted", "full"]
"""Cached; stopped because a reply is wanted; or no room, or no cache at all."""

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Shared:
    """The first `length` characters of a message, which other chats about the paper `name` share."""

    name: str
    length: int


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat; the KV state of its `shared` part is worth caching."""

    role: Literal["system", "user", "assistant"]
    content: str
    shared: Shared | None = None


class TextStream(Iterator[str]):
    """The text deltas of one reply, as they arrive.

    `finish_reason` is None until the stream is used up. Then it is "stop" (the model ended) or "length" (cut
    at `max_tokens` or at the end of the context). Closing or dropping the stream stops the model.
    """

    def __init__(self, deltas: Iterator[str], stop: Callable[[], None] = lambda: None) -> None:
        """Wrap deltas; a generator may return its finish reason, anything else means "stop".

        `stop` makes a `next` on the deltas end soon that another thread waits for.
        """
        self.finish_reason: FinishReason | None = None
        self._deltas = deltas
        self._stop = stop
        self._closed = False

    def __next__(self) -> str:
        """Return the next delta; any of them may raise LLMError, LLMStoppedError after `close`."""
        try:
            if not self._closed:
                return next(self._deltas)
        except StopIteration as end:
            if not self._closed:
                self.finish_reason = self.finish_reason or end.value or "stop"
                raise
        except LLMError:
            if not self._closed:
                raise
        raise LLMStoppedError

    def close(self) -> None:
        """Stop the reply and the model's work on it; any thread may do so while another waits for a delta."""
        self._closed = True
        self._stop()
        if isinstance(self._deltas, Generator):
            with suppress(ValueError):  # another thread runs it, and ends it
                self._deltas.close()


class LLM(Protocol):
    """A language model.

    `endpoint` is the host that receives text, None for the embedded model. `is_remote` says whether that host
    is another machine.
    """

    name: str
    endpoint: str | None
    is_remote: bool
    context_window: int
    supports_grammar: bool

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Return the text deltas of one reply, which raise LLMError or ModelError as they are read.

        `grammar` is GBNF. `logprobs` is filled for each delta before that delta is returned.
        """

    def complete(self, messages: Sequence[Message], *, max_tokens: int, grammar: str | None = None) -> str:
        """Return one whole reply; arguments and errors as in `stream`."""
        return "".join(self.stream(messages, max_tokens=max_tokens, grammar=grammar))

    def warm(self) -> None:
        """Load the model, so that the first reply starts soon; raise LLMError or ModelError."""

    def prepare(self) -> None:
        """Fill the caches that every later process uses; raise LLMError or ModelError."""

    def prefill(self, messages: Sequence[Message]) -> PrefillOutcome:
        """Cache the KV state of the shared part of `messages`; raise LLMError or ModelError."""

    def close(self) -> None:
        """Free memory and end processes."""
