"""What an abstract found, for questions that ask for yes or no.

A small model says yes to whatever an abstract set out to ask, in the question's words. Given the sentences that state results,
not those that say what was asked or done, and asked what was found, it says that, and leaves the decision to the reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.align import Vectors
from rag.evidence import ContextSentences
from rag.generate import Chat, GateFor
from rag.layout import abstract_messages
from rag.numbers import spelled_for
from rag.prompts import FOUND
from rag.schema import Language

# What was asked: "to determine whether", "the aim was", 旨在.
_ASKS = re.compile(
    r"[?？]\s*$|\bwhether\b|\b(?:aims?|aimed|objectives?|purpose|goal|hypothesi[sz]\w*|sought)\b"
    r"|\b(?:to|we) (?:examine|determine|investigate|evaluate|assess|study|explore|test|compare|discuss|elucidate|describe"
    r"|detect|identify|analy[sz]e|clarify|establish|ascertain|review)d?\b"
    r"|旨在|目的是|是否|探讨|为了?(?:研究|评估|探讨|确定|验证|比较)",
    re.IGNORECASE,
)
# What was found: shares, significance, comparisons, and verbs that report.
_FINDS = re.compile(
    r"[%％]|\bp\s?[<=>]|\bsignifican\w*|\b(?:associat|correlat)ed\b|\bno (?:differences?|effects?|evidence|changes?|relation\w*)\b"
    r"|\b(?:higher|lower|greater|increased?s?|decreased?s?|reduced?s?|improved?s?|worse|better|fewer|similar|prevent(?:s|ed))\b"
    r"|\b(?:found|finds?|show(?:s|ed|n)?|reveal(?:s|ed)|demonstrate[sd]?|observed|resulted|occurred|remained|differ(?:s|ed)?"
    r"|outperforms?|achieves?|reach(?:es|ed))\b"
    r"|显著|表明|显示|发现|提高|降低|增加|减少|优于|达到|没有差异",
    re.IGNORECASE,
)
# How much more a sentence is worth at the end of an abstract, where results stand, than at its beginning.
_LATE = 0.1
# Sentences that a model is given to say what was found, and sentences in which it says it.
_MOST = 2


def finding_chats(
    sentences: ContextSentences, question: str, vector: Vectors, language: Language, gate: GateFor | None
) -> list[Chat]:
    """Return the chat, in `language`, in which the only one of the contexts is asked what it found; none without results.

    Args:
        sentences: those of the context.
        question: what asks for yes or no.
        vector: its aligned vector (d,).
        language: its language.
        gate: makes the gate of the reply.
    """
    texts = [item.text for item in sentences.items]
    results = finding_sentences(texts, sentences.worth(question, vector))
    if not results:
        return []
    text = spelled_for(" ".join(texts[i] for i in results), language)
    messages = abstract_messages(None, text, FOUND[language], language)
    return [Chat(messages, language, gate_for=gate, most_sentences=_MOST)]


def finding_sentences(sentences: Sequence[str], worth: Sequence[float]) -> list[int]:
    """Return the indices, in reading order, of the sentences of an abstract that state results nearest to a question.

    Args:
        sentences: all sentences of the abstract, in reading order.
        worth: how much each is worth for the question (`rag.evidence.ContextSentences.worth`).
    """
    found = [i for i, text in enumerate(sentences) if _FINDS.search(text) and not _ASKS.search(text)]
    late = {i: worth[i] + _LATE * i / len(sentences) for i in found}
    return sorted(sorted(found, key=lambda i: -late[i])[:_MOST])
