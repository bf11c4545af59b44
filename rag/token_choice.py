"""What a reply's token probabilities tell: a choice between given answers, and how uncertain a model is of what it says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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


def option_shares(tokens: Iterable[tuple[str, float]], options: Sequence[str]) -> dict[str, float] | None:
    """Return each option's share of the probability that a reply begins with an option; None where none does.

    A token speaks for the one option that it begins, capitals and white space aside: " Yes" and "YES" are Yes,
    "N" is No.

    Args:
        tokens: tokens with their log probabilities.
        options: answers that begin with different letters.
    """
    sums = dict.fromkeys(options, 0.0)
    for token, logprob in tokens:
        start = token.strip().casefold()
        meant = [o for o in options if start and o.casefold().startswith(start)]
        if len(meant) == 1:
            sums[meant[0]] += math.exp(logprob)
    total = sum(sums.values())
    return {option: share / total for option, share in sums.items()} if total > 0 else None
