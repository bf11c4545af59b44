"""How large a language model is, by its name."""

from __future__ import annotations

import re
from typing import Literal

from rag.llm.base import LLM

AbstractsPerChat = Literal["auto", "one", "all"]

# Parameters, in thousand millions, from which a model can tell several abstracts in one chat apart. Models of
# 0.5 and 1.5 were measured and cannot; larger ones were not.
LARGE = 3.5
# "1.5b", "8x7b", "e4b" and "270m", but not "A3B", the active part of a mixture.
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?e?(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", re.IGNORECASE)


def parameters(name: str) -> float | None:
    """Return the parameters that a model's name states, in thousand millions; None if it states none."""
    found = [
        int(times or 1) * float(number) / (1 if unit in "bB" else 1000)
        for times, number, unit in _SIZE.findall(name)
    ]
    return max(found, default=None)


def reads_together(llm: LLM, abstracts: AbstractsPerChat = "auto") -> bool:
    """Return whether `llm` is given all abstracts in one chat.

    With "auto" a large model is, a small one is not. Where the name states no size, a model behind an
    endpoint counts as large.
    """
    if abstracts != "auto":
        return abstracts == "all"
    size = parameters(llm.name)
    return llm.endpoint is not None if size is None else size >= LARGE
