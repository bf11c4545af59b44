"""Log probabilities of a reply's tokens: how likely it was to begin otherwise, and how uncertain the model was."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

# Likeliest tokens that are asked for; the most that OpenAI's API allows.
TOP_TOKENS = 20
# No token counts less: what a grammar forced upon the model may be as unlikely as can be.
_LEAST = -8.0


@dataclass(frozen=True, slots=True)
class Logprobs:
    """Tokens of one reply with their log probabilities (natural logarithms), filled while it arrives.

    `first` are the likeliest that it could have begun with, `written` those that it is made of so far.
    """

    first: list[tuple[str, float]] = field(default_factory=list)
    written: list[tuple[str, float]] = field(default_factory=list)

    @property
    def surprisal(self) -> float:
        """How uncertain the model was of what it has said so far: the surprisal of its tokens but the first, in nats.

        In the place of the first one a model may have wished to refuse.
        """
        return -math.fsum(max(logprob, _LEAST) for _, logprob in self.written[1:])
