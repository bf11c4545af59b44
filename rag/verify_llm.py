"""Ask the language model itself whether an abstract states an answer.

It reads the abstract behind the same examples as for the answer (`rag.layout.reading_prefix`), so that where it has just
answered only the question and the answer are to be read: some 60 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.endpoint import Message
from rag.layout import check_messages
from rag.prompts import YES, YES_NO


class Chooser(Protocol):
    """What this needs of a language model; `rag.llm.LLM` is one."""

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> dict[str, float] | None:
        """Return how likely the reply is each option, or None where the model cannot tell."""


def ask_support(llm: Chooser, name: str | None, abstract: str, question: str, answer: str) -> float | None:
    """Return how likely the model says yes, from 0 to 1; None where it gives no probabilities.

    Raises LLMError as `choose` does.

    Args:
        llm: the model.
        name: as in `rag.layout.abstract_messages`.
        abstract: what the model reads of the abstract.
        question: what was asked, in either language.
        answer: one sentence of an answer, without markers, in either language.
    """
    shares = llm.choose(check_messages(name, abstract, question, answer), YES_NO)
    return shares[YES] if shares else None
