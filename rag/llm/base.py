"""What the rest of the package knows of a language model: messages in, a stream of text out."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rag.llm.logprobs import Logprobs

Read = Literal["kept", "disturbed", "full"]
"""What came of reading ahead: it is kept; it was left, since a reply is wanted; there is no room, or nothing is kept."""


FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Shared:
    """How many characters of a message other chats have as well, after the same turns, and whose they are (a `paper_id`)."""

    name: str
    length: int


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat; what a model has read of what is `shared` is worth keeping (`rag.llm.llama_cpp.prefix_cache`)."""

    role: Literal["system", "user", "assistant"]
    content: str
    shared: Shared | None = None


class TextStream(Iterator[str]):
    """The text deltas of one reply, as they arrive.

    `finish_reason` is None until the stream is used up; then "stop" (the model ended) or "length" (it was cut
    at `max_tokens` or the end of the context). Closing the stream, or dropping it, stops the model.
    """

    def __init__(self, deltas: Iterator[str]) -> None:
        """Wrap deltas; a generator may return its finish reason, anything else means "stop"."""
        self.finish_reason: FinishReason | None = None
        self._deltas = deltas

    def __next__(self) -> str:
        """Return the next delta.

        Raises LLMUnreachableError or LLMResponseError, at the first delta or at any later one.
        """
        try:
            return next(self._deltas)
        except StopIteration as end:
            self.finish_reason = self.finish_reason or end.value or "stop"
            raise

    def close(self) -> None:
        """Stop the reply: the connection is closed and the server stops decoding."""
        if isinstance(self._deltas, Generator):
            self._deltas.close()


class LLM(Protocol):
    """What the pipeline needs of a language model; tests put a scripted one in.

    `endpoint` is the host text is sent to, None when embedded; `leaves_machine` is whether that is elsewhere.
    """

    name: str
    endpoint: str | None
    leaves_machine: bool
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
        """Return the text deltas of one reply; raise LLMError while they are read."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
    ) -> str:
        """Return one whole reply; raise LLMError."""

    def warm(self) -> None:
        """Get ready, so that the first reply begins soon; raise LLMError or ModelError."""

    def prepare(self) -> None:
        """Do once on a machine what lets every later reply begin soon; raise LLMError or ModelError."""

    def read(self, messages: Sequence[Message]) -> Read:
        """Read what `messages` share with other chats, so that replies about it begin soon; raise LLMError or ModelError."""

    def close(self) -> None:
        """Give back memory and processes."""
