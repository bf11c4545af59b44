"""Find the papers on a topic: retrieval ranks all papers, this module decides where the list ends."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rag.embedding.base import Vectors
from rag.schema import LANGUAGES, Filters, Language, Paper, ScoredChunk
from rag.store.index import Store
from rag.text.analyzer import analyze, analyze_document
from rag.text.sentences import split_sentences

# Cosine from which a paper in the topic's language, or in the other language, is on the topic; higher lists
# fewer. tuned by benchmarks/topics.py; see docs/decisions.md#topic-cuts
OWN_CUT = 0.30
OTHER_CUT = 0.22
# Candidates of each retriever and language.
_CANDIDATES = 200
# Papers of which every chunk is compared; more are first searched.
_EACH_OF = 500
# Papers shown without a citation if none is on the topic.
_CLOSEST = 3

Embed = Callable[[str], Vectors]
"""Returns the vector (1, d) of a question."""


def filter_by_topic(
    store: Store,
    topic: str,
    embed: Embed,
    language: Language,
    filters: Filters | None = None,
    among: Collection[str] | None = None,
) -> tuple[list[ScoredChunk], list[ScoredChunk]]:
    """Return the papers on a topic, those with all its terms first, and the closest papers on any topic.

    Only papers that pass the filters are looked at, and with `among` only those of these ids.
    """
    vector = store.alignment.apply(embed(topic), language, "query")
    ids, lexical = _candidates(store, topic, vector, filters, among)
    cosines = store.cosines(vector, ids)
    best: dict[str, ScoredChunk] = {}
    on_topic: set[str] = set()
    for chunk_id, (paper, chunk) in store.chunks(ids).items():
        if among is not None and paper.paper_id not in among:
            continue
        cosine = cosines[chunk_id]
        has_terms = chunk_id in lexical and holds_terms(topic, f"{paper.title or ''}\n{chunk.text}")
        if has_terms or cosine >= (OWN_CUT if paper.language == language else OTHER_CUT):
            on_topic.add(paper.paper_id)
        hit = ScoredChunk(paper, chunk, cosine + has_terms, cosine)
        if paper.paper_id not in best or hit.score > best[paper.paper_id].score:
            best[paper.paper_id] = hit
    ranked = sorted(best.values(), key=lambda hit: (-hit.score, hit.paper.paper_id))
    return [hit for hit in ranked if hit.paper.paper_id in on_topic], ranked[:_CLOSEST]


def _candidates(
    store: Store, topic: str, vector: Vectors, filters: Filters | None, among: Collection[str] | None
) -> tuple[list[str], set[str]]:
    """Return the chunks to compare, and which of them may hold the terms of the topic.

    They are every chunk of few papers, else the nearest of each retriever; the lexical one finds the terms.
    """
    if among is not None and len(among) <= _EACH_OF:
        own = [chunk_id for chunk_id, paper_id in store.catalog.chunk_ids() if paper_id in among]
        return own, set(own)
    dense: dict[str, None] = {}
    lexical: dict[str, None] = {}
    for stored in LANGUAGES:
        dense |= dict.fromkeys(chunk_id for chunk_id, _ in store.dense(vector, _CANDIDATES, stored, filters))
        lexical |= dict.fromkeys(hit for hit, _ in store.lexical(topic, _CANDIDATES, stored, filters))
    return list(dense | lexical), set(lexical)


def holds_terms(topic: str, text: str) -> bool:
    """Return whether a text holds every index term of a topic, which has some."""
    terms = frozenset(analyze(topic))
    return bool(terms) and terms <= set(analyze_document(text))


def first_sentence(paper: Paper, topic: str) -> tuple[int, int]:
    """Return the span of the first sentence with the most terms of `topic`."""
    spans = split_sentences(paper.text) or [(0, len(paper.text))]
    terms = frozenset(analyze(topic))
    return max(spans, key=lambda span: len(terms & set(analyze_document(paper.text[slice(*span)]))))
