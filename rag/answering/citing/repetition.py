"""Find sentences that say nothing new: those that repeat the question, and bare yes or no."""

from __future__ import annotations

import re

from rag.answering.question import is_yes_no_question
from rag.text.analyzer import analyze
from rag.text.language import HAN, to_simplified
from rag.text.numbers import number_values

_YES_OR_NO = re.compile(r"\W*(?:yes|no|not|never)\b|\W*(?:是|否|不|没|能|会|可以|有)", re.IGNORECASE)
_DECIDING_TERMS = {"yes", "no", "not", "ye", "是", "否", "不", "有", "会", "能"}
# New index terms in a bare yes or no, one more if it begins with the word; higher takes more for bare.
_MAX_NEW = 1
# Function characters.
_EMPTY_HAN = "的了是在为用从对和与有被把其这该个种项及并也都而于中上以可能所将则即它们之等地得着过呢吧啊"


def only_repeats(sentence: str, question: str) -> bool:
    """Return whether a sentence says nothing that its question does not; yes or no is an answer."""
    if not question or _YES_OR_NO.match(sentence) or is_yes_no_question(question):
        return False
    return not _content_terms(sentence) - _content_terms(question)


def is_bare_yes_no(sentence: str, question: str) -> bool:
    """Return whether a sentence answers a yes-or-no question with yes or no and nothing else."""
    if not is_yes_no_question(question):
        return False
    added = _content_terms(sentence) - _content_terms(question) - _DECIDING_TERMS
    few = _MAX_NEW + bool(_YES_OR_NO.match(sentence))
    return len(added) <= few and not number_values(sentence).keys() - number_values(question).keys()


def _content_terms(text: str) -> set[str]:
    """Return a text's index terms, with single Han characters, without function characters."""
    han = set(re.findall(f"[{HAN}]", to_simplified(text))) - set(_EMPTY_HAN)
    return han | set(analyze(re.sub(f"[{HAN}]", " ", text)))
