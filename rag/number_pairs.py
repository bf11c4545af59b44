"""Numbers that go together: what a sentence gives one thing, its evidence may give another beside it.

Where the evidence says "67.7% with 990,000 parameters and 69.2% with 1.14 million", 69.2% does not go with 990,000. What the
numbers are said of (`rag.number_contexts`) tells nothing there: it is other numbers. Of 499 sentences of bilingual_arxiv with
two shares in each other's place it catches 93, and none of 1,299 as they are; in the other language, where the order of words
is another, it would find 8 of 447 wrong, and is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag.number_contexts import IN_ORDER
from rag.numbers import Number, find_numbers
from rag.sentences import sentence_texts


def mispaired_numbers(sentence: str, evidence: Sequence[str]) -> tuple[str, ...]:
    """Return the shares of `sentence` beside a number that the evidence puts beside another share, in reading order.

    Both have to be in one language. It tells only where a sentence of the evidence states both numbers once, and the nearest to each of them there is another
    one of that kind: 69.2% lies next to 1.14 million, and 990,000 to 67.7%. Where "respectively" orders them it tells nothing.
    """
    if IN_ORDER.search(sentence):
        return ()
    couples = list(_couples(sentence))
    if not couples:
        return ()
    wrong = [
        str(share.value)
        for text in dict.fromkeys(text for texts in evidence for text in sentence_texts(texts))
        if not IN_ORDER.search(text)
        for share, count in couples
        if _parts(share, count, _plain(text))
    ]
    return tuple(dict.fromkeys(wrong))


def _couples(sentence: str) -> Iterator[tuple[Number, Number]]:
    """Yield each share with the number next to it that is none, where neither lies nearer to another one."""
    numbers = _plain(sentence)
    shares, counts = _kinds(numbers)
    for first, second in pairwise(numbers):
        if bool(first.unit) != bool(second.unit):
            share, count = (first, second) if first.unit else (second, first)
            if _nearest(share, counts) == _nearest(count, shares) == _distance(share, count):
                yield share, count


def _parts(share: Number, count: Number, stated: Sequence[Number]) -> bool:
    """Return whether the numbers `stated` in a sentence of the evidence put another one beside each of these two."""
    shares, counts = _kinds(stated)
    own = [number for number in shares if number.value == share.value]
    other = [number for number in counts if number.value == count.value]
    if len(own) != 1 or len(other) != 1:
        return False
    between = _distance(own[0], other[0])
    return _nearest(own[0], counts) < between and _nearest(other[0], shares) < between


def _kinds(numbers: Sequence[Number]) -> tuple[list[Number], list[Number]]:
    """Return the shares, and the others."""
    return [number for number in numbers if number.unit], [number for number in numbers if not number.unit]


def _nearest(number: Number, others: Sequence[Number]) -> int:
    return min(_distance(number, other) for other in others)


def _distance(one: Number, other: Number) -> int:
    return max(one.start - other.end, other.start - one.end)


def _plain(text: str) -> list[Number]:
    return [number for number in find_numbers(text) if not number.identifier]
