"""The key sentences of the best abstracts, marked before the language model has read a word.

A reader sees them within a third of a second, so nothing is embedded for them. Sentences whose vectors are
remembered (`RecentPassages`) are compared with the question by meaning and words, others by words alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from rag.answering.context import NUMBER_BONUS, ContextSentences, wants_number
from rag.answering.query_context import QueryContext
from rag.embedding.recent import RecentPassages
from rag.schema import Highlight, Paper
from rag.text.sentences import sentence_texts

# Abstracts with a key sentence, and cosine that one may lack to the best; higher marks more.
MOST_PAPERS = 3
_GAP = 0.2
# Share of the question's terms, by idf, that a sentence needs if its vector is not remembered; higher marks
# less.
# See docs/decisions.md#key-sentences.
MIN_TERMS = 0.25
# Relevance that a second sentence of the best abstract may lack to its first; higher marks more.
_SECOND_GAP = 0.05
# Seconds to wait after a question interrupted the embedding of sentences.
_REST_S = 2.0


def key_sentences(query: QueryContext, embedder: RecentPassages) -> tuple[Highlight, ...]:
    """Return the sentences of the nearest abstracts that are most relevant to the question.

    Each of the nearest abstracts gets at most one, and the best abstract a second one if it is about as
    relevant. An abstract without a relevant sentence gets none.
    """
    found: list[Highlight] = []
    for number in query.near_contexts(_GAP)[:MOST_PAPERS]:
        sentences = query.sentences.of([number])
        ranked = _ranked(query, sentences, embedder)
        best = ranked[0][0] if ranked else 0.0
        near = [index for own, index in ranked if own >= best - _SECOND_GAP]
        paper = sentences.contexts[0].paper
        for index in sorted(near[: 1 if found else 2]):
            item = sentences.items[index]
            found.append(Highlight(paper.paper_id, item.start, item.end))
    return tuple(found)


def _ranked(
    query: QueryContext, sentences: ContextSentences, embedder: RecentPassages
) -> list[tuple[float, int]]:
    """Return the relevance and index of the sentences that may be marked, the most relevant first."""
    items = sentences.items
    if embedder.remembered([item.text for item in items]) is None:
        relevance = sentences.term_shares(query.question)
        chosen = [i for i, share in enumerate(relevance) if share >= MIN_TERMS]
    else:
        relevance = sentences.relevance(query.question, query.vector)
        chosen = list(range(len(items)))
    bonus = NUMBER_BONUS if wants_number(query.question) else 0.0
    ranked = [(relevance[i] + bonus * bool(items[i].numbers), i) for i in chosen]
    return sorted(ranked, key=lambda pair: (-pair[0], pair[1]))


def embed_sentences(
    embedder: RecentPassages, papers: Sequence[Paper], stop: Event, busy: Callable[[], bool]
) -> int:
    """Embed the sentences of one abstract after the other, until they are all that can be remembered.

    It waits while `busy` returns True, and ends once `stop` is set. Returns how many abstracts it embedded.
    Raises ModelError.
    """
    room = embedder.most
    for done, paper in enumerate(papers):
        texts = sentence_texts(paper.text)
        room -= len(texts)
        while busy() and not stop.is_set():
            stop.wait(_REST_S)
        if room < 0 or stop.is_set():
            return done
        embedder.embed_passages(texts)
    return len(papers)
