"""What an abstract found, for questions that ask for yes or no.

A small model says yes to whatever an abstract set out to ask, in the question's words. The sentences that state results, not
those that say what was asked or done, say what was found, and leave the decision to the reader. They are quoted as they
are: a model that is to tell them in its words drops the condition that a result hangs on. Across languages it has to.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.citing.attribution import ContextEvidence
from rag.answering.citing.citations import Cited, cite_quotes
from rag.answering.citing.results import only_asks, states_result
from rag.answering.context import ContextSentences
from rag.answering.generation.messages import abstract_messages
from rag.answering.generation.prompts import FOUND
from rag.answering.generation.streaming import Chat
from rag.embedding.base import Vectors
from rag.schema import Language
from rag.text.numbers import spelled_for

# How much more a sentence is worth at the end of an abstract, where results stand, than at its beginning: of the sentences
# chosen for 400 questions of PubMedQA .90 stand under its results, with .1 .85. One that is worth less than the best by more
# than the gap is left out: the mean cosine with the conclusion is .44 instead of .42, that of the nearest .48 instead of .49.
_LATE = 0.4
_GAP = 0.15
# Sentences that say what was found, and sentences in which a model says it.
_MOST = 2


def quote_findings(sentences: ContextSentences, question: str, vector: Vectors) -> Cited:
    """Return the answer that quotes what the only one of the contexts found; nothing said without results.

    Args:
        sentences: those of the context.
        question: what asks for yes or no.
        vector: its aligned vector (d,).
    """
    worth = sentences.worth(question, vector)
    chosen = finding_sentences([item.text for item in sentences.items], worth)
    found = [(sentences.items[i], worth[i]) for i in chosen]
    evidence = [ContextEvidence(item.number, item.start, item.end, score) for item, score in found]
    return cite_quotes(sentences.contexts, evidence)


def finding_chat(
    sentences: ContextSentences, question: str, vector: Vectors, language: Language
) -> Chat | None:
    """Return the chat, in `language`, in which the only one of the contexts is asked what it found; None without results.

    The arguments are those of `quote_findings`.
    """
    texts = [item.text for item in sentences.items]
    results = finding_sentences(texts, sentences.worth(question, vector))
    if not results:
        return None
    text = spelled_for(" ".join(texts[i] for i in results), language)
    return Chat(abstract_messages(None, text, FOUND[language], language), language, most_sentences=_MOST)


def finding_sentences(sentences: Sequence[str], worth: Sequence[float]) -> list[int]:
    """Return the indices, in reading order, of the sentences of an abstract that state results nearest to a question.

    Where none says that it does, those in the second half that do not say what was asked.

    Args:
        sentences: all sentences of the abstract, in reading order.
        worth: how much each is worth for the question (`rag.answering.context.ContextSentences.worth`).
    """
    found = [i for i, text in enumerate(sentences) if states_result(text)]
    if not found:  # "Four of 90 harboured it." tells by no word that it does
        found = [i for i, text in enumerate(sentences) if i >= len(sentences) // 2 and not only_asks(text)]
    late = {i: worth[i] + _LATE * i / len(sentences) for i in found}
    least = max(late.values(), default=0.0) - _GAP
    return sorted(sorted((i for i in found if late[i] >= least), key=lambda i: -late[i])[:_MOST])
