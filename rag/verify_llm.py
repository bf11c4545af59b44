"""Ask the language model itself whether evidence supports a sentence.

Slow beside `rag.verify`: some 150 tokens to read, 2.4 s a sentence on 2 cores. What it adds (benchmarks/verification.py, 181
pairs, the default model): AUC .93 to .94 of SUPPORT against no evidence, .84 to .87 against CONTRADICT, .91 to .95 of denials
against the other language, where it is worth most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.endpoint import Message
from rag.language import detect_language
from rag.prompts import CHECK_SYSTEM, YES_NO, check_turn


class Chooser(Protocol):
    """What this needs of a language model; `rag.llm.LLM` is one."""

    def choose(self, messages: Sequence[Message], options: Sequence[str]) -> dict[str, float] | None:
        """Return how likely the reply is each option, or None where the model cannot tell."""


def ask_support(llm: Chooser, sentence: str, evidence: Sequence[str]) -> float | None:
    """Return how likely the model says yes, from 0 to 1; None where it gives no probabilities.

    Raises LLMError as `choose` does.

    Args:
        llm: the model.
        sentence: one sentence of an answer, without markers.
        evidence: sentences of the cited abstract.
    """
    text = "".join(evidence) if detect_language("".join(evidence)) == "zh" else " ".join(evidence)
    shares = llm.choose(
        [Message("system", CHECK_SYSTEM), Message("user", check_turn(text, sentence))], YES_NO
    )
    return shares[YES_NO[0]] if shares else None
