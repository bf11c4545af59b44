"""From the likeliest first tokens of a reply to a choice between given answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

# Likeliest tokens that are asked for; the most that OpenAI's API allows.
TOP_TOKENS = 20


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
