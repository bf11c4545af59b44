"""Sentences of an abstract that are quoted in place of a reply about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rag.answering.citing.attribution import ContextEvidence
from rag.answering.citing.result_sentences import MAX_RESULTS, only_asks, result_sentences
from rag.answering.context import ContextSentences
from rag.answering.query_context import QueryContext
from rag.answering.question import is_yes_no_question


def nearest_sentences(query: QueryContext, sentences: ContextSentences, number: int) -> list[ContextEvidence]:
    """Return the sentences of context `number` that are nearest to the question, best first.

    For a question for yes or no, those that only say what was asked are left out.
    """
    relevance = sentences.relevance(query.question, query.vector)
    asks = only_asks if is_yes_no_question(query.question) else lambda _: False
    own = [i for i, item in enumerate(sentences.items) if item.number == number and not asks(item.text)]
    return _evidence(sentences, relevance, sorted(own, key=lambda i: -relevance[i])[:MAX_RESULTS])


def stated_results(query: QueryContext, sentences: ContextSentences) -> list[ContextEvidence]:
    """Return the sentences of one context that state results and are near the question, in reading order."""
    relevance = sentences.relevance(query.question, query.vector)
    chosen = result_sentences([item.text for item in sentences.items], relevance)
    return _evidence(sentences, relevance, chosen)


def _evidence(
    sentences: ContextSentences, relevance: Sequence[float], chosen: Iterable[int]
) -> list[ContextEvidence]:
    items = ((sentences.items[i], relevance[i]) for i in chosen)
    return [ContextEvidence(item.number, item.start, item.end, score) for item, score in items]
