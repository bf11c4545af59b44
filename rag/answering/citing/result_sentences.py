"""Find the sentences of an abstract that state results, and tell them from those that say what was asked.

They answer yes-or-no questions, because a small model says yes to whatever an abstract set out to ask. Its
results leave the decision to the reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Added to the relevance of a sentence, in proportion to its position; higher prefers the end of the abstract.
# See docs/decisions.md#result-sentences.
_LATE = 0.4
# Relevance that a sentence may lack to the best one; higher chooses more.
_GAP = 0.15
MAX_RESULTS = 2

# What was asked: "to determine whether", "the aim was", 旨在.
_ASKS = re.compile(
    r"\bwhether\b|\b(?:aims?|aimed|objectives?|purpose|goal|hypothesi[sz]\w*|sought)\b"
    r"|\b(?:to|we) (?:examine|determine|investigate|evaluate|assess|study|explore|test|compare|discuss"
    r"|elucidate|describe|detect|identify|analy[sz]e|clarify|establish|ascertain|review)d?\b"
    r"|旨在|目的是|是否|探讨|为了?(?:研究|评估|探讨|确定|验证|比较)",
    re.IGNORECASE,
)
# A question, with or without its mark.
_QUESTION = re.compile(
    r"[?？]\s*$|^\W*(?:do|does|did|is|are|was|were|can|could|should|has|have|will|would)\b(?!\W+not\b)",
    re.IGNORECASE,
)
# Signs of a result: percentages, significance, and verbs that report.
_REPORTS = (
    r"[%％]|\bp\s?[<=>]|\bsignifican\w*|\bno (?:differences?|effects?|evidence|changes?|relation\w*)\b"
    r"|\b(?:found|finds?|show(?:s|ed|n)?|reveal(?:s|ed)|demonstrate[sd]?|observed|resulted|occurred|remained"
    r"|differed)\b"
    r"|显著|表明|显示|发现|没有差异"
)
# Comparisons, which may also be what was asked.
_COMPARES = (
    r"\b(?:higher|lower|greater|increase[sd]?|decrease[sd]?|reduce[sd]?|improve[sd]?|worse|better|fewer|similar"
    r"|prevent(?:s|ed)|differs?|associated|correlated|outperforms?|achieves?|reach(?:es|ed))\b"
    r"|提高|降低|增加|减少|优于|达到"
)
_REPORT = re.compile(_REPORTS, re.IGNORECASE)
_FINDS = re.compile(f"{_REPORTS}|{_COMPARES}", re.IGNORECASE)


def result_sentences(sentences: Sequence[str], relevance: Sequence[float]) -> list[int]:
    """Return the indices, in reading order, of the most relevant sentences that state results.

    If no sentence does, the second half counts, without what was asked. `sentences` are all those of one
    abstract in reading order, and `relevance` is that of each for the question.
    """
    found = [i for i, text in enumerate(sentences) if states_result(text)]
    if not found:
        found = [i for i, text in enumerate(sentences) if i >= len(sentences) // 2 and not only_asks(text)]
    scores = {i: relevance[i] + _LATE * i / len(sentences) for i in found}
    least = max(scores.values(), default=0.0) - _GAP
    chosen = sorted((i for i in found if scores[i] >= least), key=lambda i: -scores[i])
    return sorted(chosen[:MAX_RESULTS])


def states_result(sentence: str) -> bool:
    """Return whether a sentence states a result and does not say what was asked."""
    return bool(_FINDS.search(sentence)) and not _ASKS.search(sentence) and not _QUESTION.search(sentence)


def only_asks(sentence: str) -> bool:
    """Return whether a sentence says what was asked and states no result."""
    return bool(_QUESTION.search(sentence)) or (bool(_ASKS.search(sentence)) and not _REPORT.search(sentence))
