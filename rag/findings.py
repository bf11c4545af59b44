"""What an abstract found, for questions that ask for yes or no.

A small model says yes to whatever an abstract set out to ask, in the question's words. The sentences that state results, not
those that say what was asked or done, say what was found, and leave the decision to the reader. They are quoted as they
are: a model that is to tell them in its words drops the condition that a result hangs on. Across languages it has to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.align import Vectors
from rag.attribute import ContextEvidence
from rag.cite import NOTHING_SAID, cite_quotes
from rag.evidence import ContextSentences
from rag.generate import Chat, GateFor, Generated
from rag.layout import abstract_messages
from rag.numbers import spelled_for
from rag.prompts import FOUND
from rag.results import only_asks, states_result
from rag.schema import Language
from rag.verify import Verdict

# How much more a sentence is worth at the end of an abstract, where results stand, than at its beginning: of the sentences
# chosen for 400 questions of PubMedQA .90 stand under its results, with .1 .85. One that is worth less than the best by more
# than the gap is left out: the mean cosine with the conclusion is .44 instead of .42, that of the nearest .48 instead of .49.
_LATE = 0.4
_GAP = 0.15
# Sentences that say what was found, and sentences in which a model says it.
_MOST = 2


def quote_findings(
    sentences: ContextSentences, question: str, vector: Vectors, gate_for: GateFor | None
) -> Generated:
    """Return the answer that quotes what the only one of the contexts found; a refusal without results.

    Args:
        sentences: those of the context.
        question: what asks for yes or no.
        vector: its aligned vector (d,).
        gate_for: gives the gate of a reply about the context that has begun.
    """
    worth = sentences.worth(question, vector)
    chosen = finding_sentences([item.text for item in sentences.items], worth)
    nothing = Generated(NOTHING_SAID, True)
    if not chosen:
        return nothing
    confidence = None
    if gate_for is not None:
        gate, verdict = gate_for(0.0), Verdict("supported", 1.0)
        confidence = gate.of(verdict)
        if gate.judge(verdict, confidence).support == "unsupported":
            return replace(nothing, confidence=confidence)
    items = [sentences.items[i] for i in chosen]
    evidence = [
        ContextEvidence(item.number, item.start, item.end, worth[i])
        for i, item in zip(chosen, items, strict=True)
    ]
    return Generated(cite_quotes(sentences.contexts, evidence), False, confidence)


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

    Where none says that it does, those in the second half that do not say what was asked.

    Args:
        sentences: all sentences of the abstract, in reading order.
        worth: how much each is worth for the question (`rag.evidence.ContextSentences.worth`).
    """
    found = [i for i, text in enumerate(sentences) if states_result(text)]
    if not found:  # "Four of 90 harboured it." tells by no word that it does
        found = [i for i, text in enumerate(sentences) if i >= len(sentences) // 2 and not only_asks(text)]
    late = {i: worth[i] + _LATE * i / len(sentences) for i in found}
    least = max(late.values(), default=0.0) - _GAP
    return sorted(sorted((i for i in found if late[i] >= least), key=lambda i: -late[i])[:_MOST])
