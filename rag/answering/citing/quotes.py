"""Choose the sentences of an abstract that a sentence of an answer rests on."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.context import ContextSentence
from rag.answering.verification.features import match_score, share
from rag.text.analyzer import analyze
from rag.text.numbers import number_values

# Share of index terms that a sentence and its question have in common; below it the sentence is bare.
_MIN_COMMON = 0.2
# Added terms that a further sentence has to hold to be quoted; higher quotes fewer.
_MIN_TERMS = 3
# Share of the best match score that the nearest sentence needs; higher quotes fewer.
# See docs/decisions.md#quoted-sentences.
_MIN_MATCH = 0.6


def is_bare(sentence: str, question: str) -> bool:
    """Return whether a sentence is a mere name or number, with hardly a word of its question."""
    said, asked = frozenset(analyze(sentence)), frozenset(analyze(question))
    return max(share(said, asked), share(asked, said)) < _MIN_COMMON


def quoted_items(
    text: str,
    question: str,
    items: Sequence[ContextSentence],
    rows: Sequence[int],
    cosines: Sequence[float],
    near_question: Sequence[float],
) -> list[int]:
    """Return the `rows` of `items`, the sentences of one abstract, that the text rests on, best first.

    A bare text rests on the sentence nearest to the question among those that hold all of it. Any other rests
    on the best match for what it adds to the question, on the sentence nearest to that addition, and on each
    other that holds a missing number or most of the missing terms. `cosines` compare the items with the text,
    `near_question` with the question.
    """
    wanted = set(number_values(text, identifiers=True))
    new = wanted - set(number_values(question, identifiers=True))
    said = set(analyze(text)) - set(analyze(question))
    if is_bare(text, question):
        holders = [i for i in rows if said <= items[i].terms and new <= items[i].numbers]
        if holders:
            return [max(holders, key=lambda i: near_question[i])]
    scores = {i: match_score(cosines[i], said, items[i].terms, new, items[i].numbers) for i in rows}
    best, *others = sorted(rows, key=lambda i: -scores[i])
    near = [i for i in rows if scores[i] >= _MIN_MATCH * scores[best]]
    nearest = max(near, key=lambda i: scores[i] - near_question[i], default=best)
    quoted: list[int] = []
    for index in dict.fromkeys([best, nearest, *others]):
        numbers, terms = wanted & items[index].numbers, said & items[index].terms
        many = len(terms) >= _MIN_TERMS and 2 * len(terms) > len(said)
        if not quoted or index == nearest or numbers or many:
            quoted.append(index)
            wanted -= numbers
            said -= terms
    return quoted
