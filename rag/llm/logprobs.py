"""Log probabilities of a reply's tokens, which tell how uncertain the model was."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

TOP_TOKENS = 20  # most likely first tokens to ask for; the maximum of OpenAI's API
_MIN_LOGPROB = -8.0  # nats; floor for each token, because a grammar can force a very unlikely one


@dataclass(frozen=True, slots=True)
class Logprobs:
    """Tokens of one reply with their log probabilities (natural logarithm), filled while it arrives.

    `first` has the most likely tokens at the first position, `written` the tokens of the reply so far.
    """

    first: list[tuple[str, float]] = field(default_factory=list)
    written: list[tuple[str, float]] = field(default_factory=list)

    @property
    def negative_log_likelihood(self) -> float:
        """The negative log-likelihood of the reply so far, in nats.

        The first token is left out, because the model may have preferred a refusal there.
        """
        return -math.fsum(max(logprob, _MIN_LOGPROB) for _, logprob in self.written[1:])
