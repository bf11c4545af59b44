"""Verbatim: which sentences of an answer are better told in the abstract's own words.

A small model that is to say what was found puts the values of one group to the other, or drops the word that a result hangs on;
one that is asked for a name says the name alone, and nothing tells what it is the name of. The abstract's sentence has both
right.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.analyze import analyze
from rag.repetition import asks_to_decide, content_terms
from rag.verify_features import repeated, share

# So many of the terms of a sentence that says what it speaks of are its question's, or so many of the question's are in it.
_SPOKEN_OF = 0.2
# A sentence that has so many of its quotations' words, but so few of them in the order of any one, may have put together what
# does not belong together. Of 114 sentences shown to questions of RGB and development questions in the language of their
# abstracts that is 7 of 12 wrong ones, and 6 of the others.
_TAKEN, _IN_ORDER = 0.65, 0.6


def is_better_quoted(question: str, sentence: str, quotes: Sequence[str], *, first: bool = True) -> bool:
    """Return whether the quotations answer a question better than the sentence that rests on them.

    To a question for yes or no always. To any other, where the sentence has the words of the quotations in another order,
    or says a name or a number alone.

    Args:
        question: what is asked.
        sentence: a sentence of the answer.
        quotes: the sentences of an abstract, in its language, that it rests on.
        first: whether no sentence before says what this one speaks of.
    """
    if asks_to_decide(question) or _reorders(sentence, quotes):
        return True
    return first and is_bare(sentence, question)


def is_bare(sentence: str, question: str) -> bool:
    """Return whether a sentence says hardly anything of what its question is about: "By 16 %."."""
    said, asked = frozenset(analyze(sentence)), frozenset(analyze(question))
    return max(share(said, asked), share(asked, said)) < _SPOKEN_OF


def _reorders(sentence: str, quotes: Sequence[str]) -> bool:
    """Return whether a sentence has the words of its quotations, but in the order of none of them."""
    taken = share(content_terms(sentence), frozenset().union(*map(content_terms, quotes)))
    return taken >= _TAKEN and all(repeated(sentence, quote)[0] < _IN_ORDER for quote in quotes)
