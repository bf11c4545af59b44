"""Which sentences of an abstract state a result, and which only say what was asked."""

from __future__ import annotations

import re

# What was asked: "to determine whether", "the aim was", 旨在.
_ASKS = re.compile(
    r"\bwhether\b|\b(?:aims?|aimed|objectives?|purpose|goal|hypothesi[sz]\w*|sought)\b"
    r"|\b(?:to|we) (?:examine|determine|investigate|evaluate|assess|study|explore|test|compare|discuss|elucidate|describe"
    r"|detect|identify|analy[sz]e|clarify|establish|ascertain|review)d?\b"
    r"|旨在|目的是|是否|探讨|为了?(?:研究|评估|探讨|确定|验证|比较)",
    re.IGNORECASE,
)
# A question, put as one.
_QUESTION = re.compile(
    r"[?？]\s*$|^\W*(?:do|does|did|is|are|was|were|can|could|should|has|have|will|would)\b(?!\W+not\b)",
    re.IGNORECASE,
)
# What reports a result: shares, significance, verbs that report; and what may be asked as well: comparisons.
_REPORTS = (
    r"[%％]|\bp\s?[<=>]|\bsignifican\w*|\bno (?:differences?|effects?|evidence|changes?|relation\w*)\b"
    r"|\b(?:found|finds?|show(?:s|ed|n)?|reveal(?:s|ed)|demonstrate[sd]?|observed|resulted|occurred|remained|differed)\b"
    r"|显著|表明|显示|发现|没有差异"
)
_COMPARES = (
    r"\b(?:higher|lower|greater|increase[sd]?|decrease[sd]?|reduce[sd]?|improve[sd]?|worse|better|fewer|similar|prevent(?:s|ed)"
    r"|differs?|associated|correlated|outperforms?|achieves?|reach(?:es|ed))\b|提高|降低|增加|减少|优于|达到"
)
_REPORT = re.compile(_REPORTS, re.IGNORECASE)
_FINDS = re.compile(f"{_REPORTS}|{_COMPARES}", re.IGNORECASE)


def states_result(sentence: str) -> bool:
    """Return whether a sentence states a result: "pain was lower (p<0.01)"; not where it says what was asked too."""
    return _FINDS.search(sentence) is not None and not _ASKS.search(sentence) and not is_question(sentence)


def only_asks(sentence: str) -> bool:
    """Return whether a sentence says what was asked, and no result of it: "to study whether exercise helps"."""
    return is_question(sentence) or (_ASKS.search(sentence) is not None and not _REPORT.search(sentence))


def is_question(sentence: str) -> bool:
    """Return whether a sentence is a question, with or without its mark."""
    return _QUESTION.search(sentence) is not None
