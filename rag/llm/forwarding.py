"""A language model that hands on to another; what is done with its replies is up to the subclass."""

from __future__ import annotations

from collections.abc import Sequence

from rag.llm.base import LLM, Message, PrefillOutcome


class ForwardingLLM(LLM):
    """Has the name and the abilities of another model, and hands everything on to it but its replies."""

    def __init__(self, llm: LLM) -> None:
        """Forward to `llm`."""
        self.name, self.endpoint, self.is_remote = llm.name, llm.endpoint, llm.is_remote
        self.context_window, self.supports_grammar = llm.context_window, llm.supports_grammar
        self._llm = llm

    def warm(self) -> None:
        """Load the model."""
        self._llm.warm()

    def prepare(self) -> None:
        """Fill the model's caches."""
        self._llm.prepare()

    def prefill(self, messages: Sequence[Message]) -> PrefillOutcome:
        """Have the model cache the shared part of `messages`."""
        return self._llm.prefill(messages)

    def close(self) -> None:
        """Close the model."""
        self._llm.close()
