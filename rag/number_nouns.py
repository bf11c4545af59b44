"""Numbers and what they count: of "12,691 students, 7,436 of them undergraduates" no 12,691 are undergraduates.

Where the evidence lets a number count one thing and another number what the sentence lets this one count, the sentence has
mixed them up. Of 448 sentences of bilingual_arxiv/dev with two numbers in each other's place that catches 67, and none of 483
as they are (`benchmarks/number_contexts.py`); of 138 claims of SciFact that their abstracts support none, and of 529 sentences
shown to development and published questions one, which is wrong. In one language only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.chinese import HAN
from rag.numbers import Number, find_numbers

# Of the words behind a number those in the plural are what it counts ("80 patients", not "80 responded"), but for these.
_NO_NOUN = frozenset("was has his this less versus times points plus thus".split())
_YEARS = range(1900, 2100)
_AFTER = 60  # characters of a text in which what its number counts is looked for
_WORD = re.compile(r" ([A-Za-z][A-Za-z'’-]*)")
_HAN_WORDS = re.compile(rf"\s*([{HAN}]{{3,}})")
_SHORT = 3  # letters of a word that is a noun, not a unit
_HEAD = 4  # Han characters of what is counted, the measure word included
_CLAUSE = re.compile(r"[，。；、,;.()（）\d]")


@dataclass(frozen=True, slots=True)
class _Counted:
    """A number, what stands behind it up to the end of its clause, and the head of what it counts, if it counts anything."""

    number: Number
    behind: str
    head: str | None


def miscounted_numbers(sentence: str, evidence: Sequence[str]) -> tuple[str, ...]:
    """Return the numbers of `sentence` that count what the evidence counts by another number, in reading order.

    Both have to be in one language. It tells only where each time that the evidence states the number another noun follows
    right behind it: in English one in the plural.
    """
    stated = [counted for text in evidence for counted in _counted(text)]
    wrong = []
    for ours in _counted(sentence):
        own = [theirs for theirs in stated if theirs.number.value == ours.number.value]
        others = [theirs.head for theirs in stated if theirs.number.value != ours.number.value]
        if ours.head is None or not own or ours.head not in others:
            continue
        noun = ours.head[1:3] if ours.head[0] > "\u3400" else ours.head
        if all(theirs.head is not None and noun not in theirs.behind for theirs in own):
            wrong.append(str(ours.number.value))
    return tuple(dict.fromkeys(wrong))


def _counted(text: str) -> list[_Counted]:
    found = []
    for number in find_numbers(text):
        if number.identifier or number.value in _YEARS:
            continue
        tail = text[number.end : number.end + _AFTER]
        found.append(_Counted(number, _CLAUSE.split(tail)[0].casefold(), _head(tail)))
    return found


def _head(tail: str) -> str | None:
    """Return the first word, or the first characters, of what a number with this behind it counts."""
    if match := _HAN_WORDS.match(tail):
        return match[1][:_HEAD]
    match = _WORD.match(tail)
    word = match[1].casefold() if match else ""
    plural = word.endswith("s") and not word.endswith("ss") and len(word) > _SHORT and word not in _NO_NOUN
    return word.removesuffix("s") if plural else None
