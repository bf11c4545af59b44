"""Try a language model before it is used: does it answer at all, and how soon?"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

from rag.errors import LLMResponseError
from rag.llm.base import LLM, Message

# Names no abstract and nothing of the reader: this text leaves the machine if the model is elsewhere.
_GREETING = (Message("user", "Reply with the single word: yes"),)
# Tokens of the reply, of which only the first is read; some models write a space or a line break first.
_MAX_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Trial:
    """A model that answered: its name, its host (None: this process), and the seconds to its first token."""

    model: str
    endpoint: str | None
    is_remote: bool
    first_token_s: float


def try_llm(llm: LLM) -> Trial:
    """Ask for one word, and stop the model at its first token.

    Raises:
        LLMError, ModelError: it does not answer; the message says why.
    """
    started = time.perf_counter()
    with closing(llm.stream(_GREETING, max_tokens=_MAX_TOKENS)) as reply:
        if next(reply, None) is None:
            raise LLMResponseError(f"The model {llm.name} answered with nothing; try another one.")
    return Trial(llm.name, llm.endpoint, llm.is_remote, time.perf_counter() - started)
