"""Ask the language model itself whether the abstracts state a sentence that it has just written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.endpoint import Message
from rag.prompts import CHECKS, YES_NO
from rag.schema import Language


class Chooser(Protocol):
    """What this needs of a language model; `rag.llm.LLM` is one."""

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> dict[str, float] | None:
        """Return how likely the reply is each option, or None where the model cannot tell."""


def ask_support(llm: Chooser, chat: Sequence[Message], sentence: str, language: Language) -> float | None:
    """Return how likely the model says yes to: the abstracts state this; None where it gives no probabilities.

    The chat that asked for the answer goes on, so that a server which keeps the last prompt reads the sentence and
    the question alone, about 40 tokens. Raises LLMError as `choose` does.

    Args:
        chat: instructions, examples, and the turn with abstracts and question (`rag.generate.build_messages`).
        sentence: one sentence of the answer, with its markers.
        language: that of the sentence.
    """
    question = [Message("assistant", sentence), Message("user", CHECKS[language])]
    shares = llm.choose([*chat, *question], YES_NO)
    return shares[YES_NO[0]] if shares else None
