"""Whether a sentence says anything that its question does not."""

from __future__ import annotations

import re

from rag.answering.question import is_yes_no_question
from rag.text.analyzer import analyze
from rag.text.language import HAN, to_simplified
from rag.text.numbers import number_values

_YES_OR_NO = re.compile(r"\W*(?:yes|no|not|never)\b|\W*(?:是|否|不|没|能|会|可以|有)", re.IGNORECASE)
_DECIDING_TERMS = {"yes", "no", "not", "ye", "是", "否", "不", "有", "会", "能"}
# Other index terms that a bare yes or no may hold beside its question's; one more where it begins with the word.
_FEW = 1
_EMPTY_HAN = "的了是在为用从对和与有被把其这该个种项及并也都而于中上以可能所将则即它们之等地得着过呢吧啊"


def only_repeats(sentence: str, question: str) -> bool:
    """Return whether a sentence says nothing that its question does not.

    One that says yes or no does answer, and so does one that states what a yes-or-no question asks.
    """
    if not question or _YES_OR_NO.match(sentence) or is_yes_no_question(question):
        return False
    return not content_terms(sentence) - content_terms(question)


def is_bare_yes_no(sentence: str, question: str) -> bool:
    """Return whether a sentence says yes or no to a question that asks for it, and nothing else."""
    if not is_yes_no_question(question):
        return False
    added = content_terms(sentence) - content_terms(question) - _DECIDING_TERMS
    few = _FEW + bool(_YES_OR_NO.match(sentence))
    return len(added) <= few and not number_values(sentence).keys() - number_values(question).keys()


def content_terms(text: str) -> set[str]:
    """Return the index terms of a text's words and its Han characters one by one, without function characters."""
    han = set(re.findall(f"[{HAN}]", to_simplified(text))) - set(_EMPTY_HAN)
    return han | set(analyze(re.sub(f"[{HAN}]", " ", text)))
