"""Quoting: the sentences of an abstract that an answer's sentence rests on."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.context import ContextSentence
from rag.answering.verification.features import match_score, share
from rag.text.analyzer import analyze
from rag.text.numbers import number_values

# Share of terms that a sentence and its question have in common; below it the sentence is bare.
_SPOKEN_OF = 0.2
# Terms that a further sentence has to hold to be quoted for them.
_TOLD = 3
# How much of the best fit the sentence nearest to what is added has to have, so that what has nothing to do with either is not
# quoted; the same 69 of 70 (`quoted_items`) with and without it.
_NEAR = 0.6


def is_bare(sentence: str, question: str) -> bool:
    """Return whether a sentence says hardly anything of what its question is about: "By 16 %."."""
    said, asked = frozenset(analyze(sentence)), frozenset(analyze(question))
    return max(share(said, asked), share(asked, said)) < _SPOKEN_OF


def quoted_items(
    text: str,
    question: str,
    items: Sequence[ContextSentence],
    rows: Sequence[int],
    cosines: Sequence[float],
    near_question: Sequence[float],
) -> list[int]:
    """Return which of the sentences `rows` of `items` the text rests on, best first.

    The one that it fits best, what the question says too left out; the one that lies nearest to what it adds to the
    question; each further one that holds a number of the text, or most of the terms that it adds, which those before
    lack. Of a name or a number alone, of those that hold it the one nearest to the question, and no other. What repeats
    the question may match another sentence best.

    Args:
        text: a sentence of an answer.
        question: what it answers.
        items: sentences of abstracts.
        rows: those of one abstract.
        cosines: of each of `items` with the text.
        near_question: of each of `items` with the question.
    """
    wanted = set(number_values(text, identifiers=True))
    new = wanted - set(number_values(question, identifiers=True))
    said = set(analyze(text)) - set(analyze(question))
    if is_bare(text, question):
        holders = [i for i in rows if said <= items[i].terms and new <= items[i].numbers]
        if holders:
            return [max(holders, key=lambda i: near_question[i])]
    fits = {i: match_score(cosines[i], said, items[i].terms, new, items[i].numbers) for i in rows}
    adds = {i: fits[i] - near_question[i] for i in rows}
    ranked = sorted(rows, key=lambda i: -fits[i])
    near = [i for i in rows if fits[i] >= _NEAR * fits[ranked[0]]]
    nearest = max(near, key=lambda i: adds[i], default=ranked[0])
    quoted: list[int] = []
    for index in dict.fromkeys([ranked[0], nearest, *ranked]):
        held, told = wanted & items[index].numbers, said & items[index].terms
        tells = len(told) >= _TOLD and 2 * len(told) > len(said)
        if not quoted or index == nearest or held or tells:
            quoted.append(index)
            wanted -= held
            said -= told
    return quoted
