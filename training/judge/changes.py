"""Changes that make a sentence say something else than its abstract does.

Each function returns a changed sentence, or None where the sentence offers nothing to change.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from decimal import Decimal

from rag.answering.verification.polarity import negate
from rag.schema import Language
from rag.text.numbers import Number, find_numbers
from training.verification_data import change_number, flip

_NAME = re.compile(r"(?<![A-Za-z0-9-])[A-Z](?=[A-Za-z0-9-]*[A-Z0-9])[A-Za-z0-9-]{2,}(?![A-Za-z0-9-])")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_JOINTS: dict[Language, tuple[str, ...]] = {
    "en": (", and ", ", while ", "; moreover, ", ", whereas "),
    "zh": ("，并且", "，而", "；此外，", "，同时"),
}


def another_number(sentence: str, stated: Sequence[str], draw: random.Random) -> str | None:
    """Return the sentence with one number replaced by another one that `stated` contains."""
    own = _quantities(sentence)
    values = {number.value for _, number in own}
    others: dict[Decimal, str] = {
        number.value: digits
        for text in stated
        for digits, number in _quantities(text)
        if number.value not in values
    }
    if not own or not others:
        return None
    digits, number = draw.choice(own)
    new = others[draw.choice(sorted(others))]
    changed = sentence[number.start : number.end].replace(digits, new, 1)
    return sentence[: number.start] + changed + sentence[number.end :]


def new_number(sentence: str, stated: Sequence[str], draw: random.Random) -> str | None:
    """Return the sentence with one number replaced by one that `stated` lacks."""
    values = {number.value for text in stated for number in find_numbers(text)}
    return change_number(sentence, values, draw)


def turned(sentence: str, language: Language, draw: random.Random) -> str | None:
    """Return the sentence with one negation or direction reversed."""
    versions = flip(sentence, language)
    if (negated := negate(sentence)) and negated != sentence:
        versions.append(negated)
    return draw.choice(versions) if versions else None


def renamed(sentence: str, names: Sequence[str], draw: random.Random) -> str | None:
    """Return the sentence with one name replaced by another of `names`."""
    own = list(dict.fromkeys(_NAME.findall(sentence)))
    others = [name for name in names if all(name not in o and o not in name for o in own)]
    if not own or not others:
        return None
    return sentence.replace(draw.choice(own), draw.choice(others))


def swapped(sentence: str, draw: random.Random) -> str | None:
    """Return the sentence with two of its names exchanged."""
    own = list(dict.fromkeys(_NAME.findall(sentence)))
    pairs = [(a, b) for a in own for b in own if a < b and a not in b and b not in a]
    if not pairs or not re.search(r"\bthan\b|outperform|\bover\b|compared|优于|高于|相比|超过", sentence):
        return None
    first, second = draw.choice(pairs)
    return sentence.replace(first, "\0").replace(second, first).replace("\0", second)


def joined(first: str, second: str, language: Language, draw: random.Random) -> str:
    """Return both sentences as one."""
    tail = second[:1].lower() + second[1:] if language == "en" and second[1:2].islower() else second
    return first.rstrip(".。;；") + draw.choice(_JOINTS[language]) + tail


def names(texts: Sequence[str]) -> list[str]:
    """Return the names in the texts, in order."""
    return list(dict.fromkeys(name for text in texts for name in _NAME.findall(text)))


def _quantities(text: str) -> list[tuple[str, Number]]:
    """Return the numbers written in digits, without those in names, with their digits."""
    found = [(_DIGITS.search(text, n.start, n.end), n) for n in find_numbers(text) if not n.identifier]
    return [(match[0], number) for match, number in found if match]
