"""Verbatim: which sentences of an answer are better told in the abstract's own words.

A small model that is to say what was found puts the values of one group to the other, or drops the word that a result hangs on;
one that is asked for a name says the name alone, and nothing tells what it is the name of. The abstract's sentence has both
right.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.analyze import analyze
from rag.repetition import asks_to_decide
from rag.verify_features import share

# So many of the terms of a sentence that says what it speaks of are its question's, or so many of the question's are in it.
_SPOKEN_OF = 0.2


def is_better_quoted(question: str, sentence: str, quotes: Sequence[str], *, first: bool = True) -> bool:
    """Return whether the quotations answer a question better than the sentence that rests on them.

    To a question for yes or no always. To any other, where the sentence says a name or a number alone.

    Args:
        question: what is asked.
        sentence: a sentence of the answer.
        quotes: the sentences of an abstract, in its language, that it rests on.
        first: whether no sentence before says what this one speaks of.
    """
    if asks_to_decide(question):
        return True
    return first and is_bare(sentence, question)


def is_bare(sentence: str, question: str) -> bool:
    """Return whether a sentence says hardly anything of what its question is about: "By 16 %."."""
    said, asked = frozenset(analyze(sentence)), frozenset(analyze(question))
    return max(share(said, asked), share(asked, said)) < _SPOKEN_OF
