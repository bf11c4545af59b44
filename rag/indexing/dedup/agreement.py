"""What an abstract and its translation share in any language: numbers, and names in Latin letters."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from rag.schema import Paper
from rag.text.numbers import Number, find_numbers

# Integers below it are in every text, and written in words they are lost by many translators.
# See docs/decisions.md#twins
_TELLING = 10
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,}(?:-[A-Za-z0-9]+)*")
_TEX = re.compile(r"\\[A-Za-z]+|\$[^$]*\$")


@dataclass(frozen=True, slots=True)
class Facts:
    """The values in a text, those of them that a translation has to keep, and its names in Latin letters."""

    values: frozenset[Decimal]
    telling: frozenset[Decimal]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two texts agree.

    `numbers` are the rare values that both have, `lost` and `added` those that only the first and only the
    second has; `names` are the names of the first that the second has, of `named` in all.
    """

    numbers: frozenset[Decimal]
    lost: frozenset[Decimal]
    added: frozenset[Decimal]
    names: frozenset[str]
    named: int

    @property
    def contradicts(self) -> bool:
        """Return whether each text has a number that the other has not."""
        return bool(self.lost and self.added)


@lru_cache(maxsize=4096)
def facts_of(paper: Paper) -> Facts:
    """Return what can be compared with a text in another language."""
    found = find_numbers(paper.text)
    title = paper.title or "" if paper.language == "en" else ""  # a Chinese headline adds names of its own
    names = _NAME.findall(_TEX.sub(" ", f"{title} {paper.text}"))
    return Facts(
        values=frozenset(abs(number.value) for number in found),
        telling=frozenset(abs(number.value) for number in found if _is_telling(paper.text, number)),
        names=frozenset(name.casefold() for name in names),
    )


def agreement(chinese: Facts, english: Facts) -> Agreement:
    """Return how far a Chinese text agrees with an English one."""
    return Agreement(
        numbers=frozenset(value for value in chinese.values & english.values if _is_rare(value)),
        lost=_missing(chinese.telling, english.values),
        added=_missing(english.telling, chinese.values),
        names=chinese.names & english.names,
        named=len(chinese.names),
    )


def _missing(values: Set[Decimal], others: Set[Decimal]) -> frozenset[Decimal]:
    return frozenset(values - others)


def _is_rare(value: Decimal) -> bool:
    return value >= _TELLING or value != value.to_integral_value()


def _is_telling(text: str, number: Number) -> bool:
    written = any("0" <= char <= "9" for char in text[number.start : number.end])
    return not number.identifier and (written or abs(number.value) >= _TELLING)
