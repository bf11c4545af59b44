"""Repetition: whether a sentence says anything that its question does not, and repeats it rightly."""

from __future__ import annotations

import re

from rag.analyze import analyze
from rag.chinese import HAN, to_simplified
from rag.numbers import number_values

# How a sentence that decides begins, and characters that add nothing to a question.
_DECIDES = re.compile(r"\W*(?:yes|no|not|never)\b|\W*(?:是|否|不|没|能|会|可以|有)", re.IGNORECASE)
_TO_DECIDE = re.compile(
    r"(?:^|[.,;:?!]\s+)(?:is|are|was|were|do|does|did|can|could|has|have|had|should|will|would|may|might)\b",
    re.IGNORECASE,
)
_TO_DECIDE_HAN = re.compile("吗|是否|能否|可否|有没有|是不是|会不会|能不能")
_PART = re.compile(r"[.:?!]\s")
# Index terms that say yes or no, and how many others may stand beside them.
_DECIDING = {"yes", "no", "not", "ye", "是", "否", "不", "有", "会", "能"}
_FEW = 1
_ASKS_WHAT = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_EMPTY_HAN = "的了是在为用从对和与有被把其这该个种项及并也都而于中上以可能所将则即它们之等地得着过呢吧啊"


def only_repeats(sentence: str, question: str) -> bool:
    """Return whether a sentence says nothing that its question does not: "RefT enhances the features twice" to how it does.

    Of the first sentences to 174 development questions 9 were of that kind: 4 to questions that have another answer, 5 to
    questions that have none. One that says yes or no does answer, and so does one that states what a question asks to be
    decided: "vaccines are safe" to whether they are.
    """
    if not question or _DECIDES.match(sentence) or asks_to_decide(question):
        return False
    return not content_terms(sentence) - content_terms(question)


def only_decides(sentence: str, question: str) -> bool:
    """Return whether a sentence says yes or no to a question that asks for it, and nothing else: "Yes, X prevents Y" to whether
    X does.

    A small model says yes to what an abstract set out to ask; of 36 such answers to questions of PubMedQA the words that they
    cite support 8.
    """
    if not asks_to_decide(question):
        return False
    added = content_terms(sentence) - content_terms(question) - _DECIDING
    few = _FEW + bool(_DECIDES.match(sentence))
    return len(added) <= few and not number_values(sentence).keys() - number_values(question).keys()


def asks_to_decide(question: str) -> bool:
    """Return whether a question asks for yes or no: by a verb at its beginning, or as no other question word is in it."""
    if _TO_DECIDE_HAN.search(question):
        return True
    for match in _TO_DECIDE.finditer(question):  # "Which corpus, from which years, was used?" does not
        if not _ASKS_WHAT.search(_PART.split(question[: match.end()])[-1]):
            return True
    return question.isascii() and question.rstrip().endswith("?") and not _ASKS_WHAT.search(question)


def content_terms(text: str) -> set[str]:
    """Return the index terms of a text's words, and its Han characters one by one, those that say nothing left out."""
    han = set(re.findall(f"[{HAN}]", to_simplified(text))) - set(_EMPTY_HAN)
    return han | set(analyze(re.sub(f"[{HAN}]", " ", text)))
