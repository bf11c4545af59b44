"""The papers on a topic: a list with an end, where retrieval gives a ranking without one."""

from __future__ import annotations

from collections.abc import Callable

from rag.embedding.base import Vectors
from rag.schema import LANGUAGES, Filters, Language, Paper, ScoredChunk
from rag.store.index import Store
from rag.text.analyzer import analyze, analyze_document
from rag.text.sentences import split_sentences

# A paper is on a topic when it has all the topic's terms, or when its cosine reaches the first of these in the
# topic's language, the second in the other one. `python -m benchmarks.topics`, 37 topics in two languages: precision
# .68, recall .46, in the other language .61 and .24; 10 of 20 topics that no paper is on list one, 6 for their words
# alone. A second cut of .20: .64 and .50, .54 and .30, 13; of .25: .74 and .43, .64 and .17, 8.
OWN_CUT = 0.30
OTHER_CUT = 0.22
_CANDIDATES = 200
# Closest papers shown, without a citation, where none is on the topic.
_CLOSEST = 3

Embed = Callable[[str], Vectors]
"""The vector (1, d) of a question."""


def find_on_topic(
    store: Store, topic: str, embed: Embed, language: Language, filters: Filters | None = None
) -> tuple[list[ScoredChunk], list[ScoredChunk]]:
    """Return the papers on a topic, those with all its terms first, and the closest papers whatever they are."""
    vector = store.alignment.apply_query(embed(topic), language)
    ids: dict[str, None] = {}
    for stored in LANGUAGES:
        ids |= dict.fromkeys(chunk_id for chunk_id, _ in store.dense(vector, _CANDIDATES, stored, filters))
        ids |= dict.fromkeys(chunk_id for chunk_id, _ in store.lexical(topic, _CANDIDATES, stored, filters))
    cosines = store.cosines(vector, list(ids))
    terms = frozenset(analyze(topic))
    best: dict[str, ScoredChunk] = {}
    on_topic: set[str] = set()
    for chunk_id, (paper, chunk) in store.chunks(list(ids)).items():
        cosine = cosines[chunk_id]
        said = bool(terms) and terms <= set(analyze_document(f"{paper.title or ''}\n{chunk.text}"))
        if said or cosine >= (OWN_CUT if paper.language == language else OTHER_CUT):
            on_topic.add(paper.paper_id)
        hit = ScoredChunk(paper, chunk, cosine + said, cosine)
        if paper.paper_id not in best or hit.score > best[paper.paper_id].score:
            best[paper.paper_id] = hit
    ranked = sorted(best.values(), key=lambda hit: (-hit.score, hit.paper.paper_id))
    return [hit for hit in ranked if hit.paper.paper_id in on_topic], ranked[:_CLOSEST]


def first_sentence(paper: Paper, topic: str) -> tuple[int, int]:
    """Return where the first sentence with a term of `topic` stands, of those with the most; else the first one."""
    spans = split_sentences(paper.text) or [(0, len(paper.text))]
    terms = frozenset(analyze(topic))
    return max(spans, key=lambda span: len(terms & set(analyze_document(paper.text[slice(*span)]))))
