"""What an abstract found, for questions that ask for yes or no.

A small model says yes to whatever an abstract set out to ask, in the question's words. Given the sentences that state results,
not those that say what was asked or done, and asked what was found, it says that, and leaves the decision to the reader.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.align import Vectors
from rag.evidence import ContextSentences
from rag.generate import Chat, GateFor
from rag.layout import abstract_messages
from rag.numbers import spelled_for
from rag.prompts import FOUND
from rag.results import states_result
from rag.schema import Language

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
    found = [i for i, text in enumerate(sentences) if states_result(text)]
    late = {i: worth[i] + _LATE * i / len(sentences) for i in found}
    return sorted(sorted(found, key=lambda i: -late[i])[:_MOST])
