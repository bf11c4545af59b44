"""What each number of a sentence is said of, and whether another sentence says it of the same.

A small model puts a number to the wrong name: of "90.0% on ImageNet and 63.8 on COCO" it makes "63.8 on ImageNet". Every
word and every number of that is in its evidence. So each number is looked at in its context, the sentence without what is
said of its other numbers, and has to lie nearer to where the evidence states it than to where that states another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from rag.align import Vectors
from rag.analyze import analyze
from rag.numbers import Number, find_numbers
from rag.sentences import sentence_texts

# What parts two numbers: the words after it go with the second one. Han conjunctions, which may be half of a word (参与者),
# only where no sign does; a comma or colon inside a number is none.
_BETWEEN = re.compile(
    r"[;；，、—]|,(?!\d{3})|[:：](?!\d)|\s(?=(?:and|while|whereas|but|or|versus|vs\.?|compared|than)\s)"
)
_BETWEEN_HAN = re.compile(
    "以及|同时|(?<![合吞一])并(?![发症行存非])|(?<![参饱总合涉普])(?:和|与|及)(?![者度否时其])|(?<![然从因反进])而(?!且)"
)
# What stands in brackets beside a number may say it of anything around it; it is left out.
_BRACKETS = re.compile(r"\([^()]*\)|（[^（）]*）")
_AFTER = re.compile(r"[;；，]|,(?!\d{3})")
# Its numbers belong to its names in their order, which is not told here.
IN_ORDER = re.compile(r"respectively|分别|各自|依次", re.IGNORECASE)
# How much nearer a rival must lie; see `misplaced_numbers`.
LIMIT = 0.15
LIMIT_CROSS = 0.2
# Shorter steps between two contexts say as much as chance does.
_SHORTEST_STEP = 0.2


@dataclass(frozen=True, slots=True)
class NumberInContext:
    """A number and its sentence without the other numbers and what is said of them alone."""

    number: Number
    context: str


Embed = Callable[[Sequence[str]], Vectors]
"""Returns one aligned row per text, shape (n, d)."""


def numbers_in_context(sentence: str) -> tuple[NumberInContext, ...]:
    """Return each share and each decimal of a sentence with its context; none where "respectively" orders them.

    What stands in brackets is left out. Numbers that nothing parts ("from 61 to 7"), or that have no word of their own ("71,
    75 and 78 on ImageNet"), share theirs. The number's place is that in the sentence without brackets.
    """
    sentence = _BRACKETS.sub(" ", sentence)
    numbers = [number for number in find_numbers(sentence) if is_measured(number)]
    if not numbers or IN_ORDER.search(sentence):
        return ()
    parts = list(_parts(sentence, numbers))
    found: list[NumberInContext] = []
    for start, end, held in parts:
        others = [(a, b) for a, b, _ in parts if (a, b) != (start, end)]
        context = _without(sentence, [*others, *((n.start, n.end) for n in held)])
        found += [NumberInContext(number, context) for number in held]
    return tuple(found)


def misplaced_numbers(
    sentence: str, evidence: Sequence[str], embed: Embed, embed_evidence: Embed, *, cross: bool
) -> tuple[str, ...]:
    """Return the shares and decimals that `evidence` says of something else: nearer by a limit is where it states another.

    How near is measured along the step between the contexts of both. What the evidence does not state at all, or states
    without another of that kind, is not told here.

    Args:
        sentence: one sentence of an answer, without markers.
        evidence: texts that hold all sentences it may rest on, in one language; what they repeat counts once.
        embed: gives aligned vectors of texts in the sentence's language, shape (n, d).
        embed_evidence: the same in the language of the evidence.
        cross: whether these are two languages.
    """
    ours = numbers_in_context(sentence)
    if not ours:
        return ()
    stated = dict.fromkeys(text for texts in evidence for text in sentence_texts(texts))
    theirs = [found for text in stated for found in numbers_in_context(text)]
    unsure = {n.value for text in stated for part in _unsure(text) for n in find_numbers(part)}
    checked = [(mine, *_split(mine, theirs)) for mine in ours if mine.number.value not in unsure]
    checked = [(mine, own, rivals) for mine, own, rivals in checked if own and rivals]
    if not checked:
        return ()
    contexts = list(dict.fromkeys(text for _, own, rivals in checked for text in (*own, *rivals)))
    rows = dict(zip(contexts, embed_evidence(contexts), strict=True))
    vectors = embed([mine.context for mine, _, _ in checked])
    wrong: list[Decimal] = []
    for (mine, own, rivals), vector in zip(checked, vectors, strict=True):
        best, rival = (
            max((rows[text] for text in texts), key=lambda row: float(row @ vector))
            for texts in (own, rivals)
        )
        if margin(vector, best, rival) < -(LIMIT_CROSS if cross else LIMIT):
            wrong.append(mine.number.value)
    return tuple(dict.fromkeys(map(str, wrong)))


def margin(vector: Vectors, own: Vectors, rival: Vectors) -> float:
    """Return how much nearer a vector (d,) lies to `own` than to `rival`, along the step between them."""
    step = own - rival
    length = float((step @ step) ** 0.5)
    return float(vector @ step) / max(length, _SHORTEST_STEP)


def _unsure(text: str) -> list[str]:
    """Return the parts of a text whose numbers have no context: what stands in brackets, all where they come in order."""
    return [text] if IN_ORDER.search(text) else _BRACKETS.findall(text)


def is_measured(number: Number) -> bool:
    """Return whether a number is a share or has decimals; one that counts has a word beside it that says of what."""
    return not number.identifier and (bool(number.unit) or number.value != number.value.to_integral_value())


def _split(mine: NumberInContext, theirs: Sequence[NumberInContext]) -> tuple[list[str], list[str]]:
    """Return the contexts that state the number, and those that state another of its kind."""
    own = [found.context for found in theirs if found.number.value == mine.number.value]
    rivals = [
        found.context
        for found in theirs
        if found.number.value != mine.number.value
        and found.number.unit == mine.number.unit
        and found.context not in own
    ]
    return own, rivals


def _parts(sentence: str, numbers: Sequence[Number]) -> Iterator[tuple[int, int, list[Number]]]:
    """Yield where what is said of numbers alone begins and ends, and these numbers."""
    groups, cuts = [[numbers[0]]], [numbers[0].start]
    for before, number in pairwise(numbers):
        gap = (before.end, number.start)
        between = _BETWEEN.search(sentence, *gap) or _BETWEEN_HAN.search(sentence, *gap)
        if between and _says_something(sentence, cuts[-1], between.end(), groups[-1]):
            groups.append([number])
            cuts.append(between.end())
        else:
            groups[-1].append(number)
    after = _AFTER.search(sentence, numbers[-1].end)
    cuts.append(after.start() if after else len(sentence))
    if len(groups) > 1 and not _says_something(sentence, cuts[-2], cuts[-1], groups[-1]):
        groups[-2:] = [groups[-2] + groups[-1]]
        del cuts[-2]
    yield from zip(cuts, cuts[1:], groups, strict=False)


def _says_something(sentence: str, start: int, end: int, numbers: Sequence[Number]) -> bool:
    inside = [(n.start - start, n.end - start) for n in numbers]
    return bool(analyze(_without(sentence[start:end], inside)))


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    kept, last = [], 0
    for start, end in sorted(spans):
        kept.append(text[last:start])
        last = end
    return re.sub(r"\s+", " ", " ".join([*kept, text[last:]])).strip()
