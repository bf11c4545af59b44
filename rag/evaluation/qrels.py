"""Which papers of an index are relevant to a question: duplicates folded, the user's own texts found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rag.errors import CorpusError
from rag.evaluation.datasets.records import Dataset, Query
from rag.schema import Language
from rag.store.index import Store
from rag.text.cleaning import clean_text


@dataclass(frozen=True, slots=True)
class QueryWithQrels:
    """A question with the gains of its relevant papers; `group` is like "en->zh"."""

    query: Query
    gains: Mapping[str, float]
    group: str


_Find = Callable[[str, Query], Iterable[str]]


def resolve_qrels(dataset: Dataset, store: Store) -> list[QueryWithQrels]:
    """Return every question of the data set, in order, with the papers that are relevant to it.

    A document that was folded into another counts as that one, with the higher gain where both are relevant.
    One that is not in the index counts as relevant all the same, and no ranking can hold it.

    Raises:
        CorpusError: no abstract of the user's index holds what a question names as relevant.
    """
    languages: dict[str, Language] = {paper.paper_id: paper.language for paper in store.catalog.papers()}
    find = _documents(dataset, store) if dataset.documents else _abstracts(store)
    return [_judged(query, find, languages) for query in dataset.queries]


def _judged(query: Query, find: _Find, languages: Mapping[str, Language]) -> QueryWithQrels:
    gains: dict[str, float] = {}
    for named, gain in query.relevant.items():
        for paper_id in find(named, query):
            gains[paper_id] = max(gain, gains.get(paper_id, gain))
    stored = sorted({languages[paper_id] for paper_id in gains if paper_id in languages})
    return QueryWithQrels(query, gains, query.group or f"{query.language}->{'+'.join(stored) or 'none'}")


def _documents(dataset: Dataset, store: Store) -> _Find:
    """Find papers by the data set's document ids: a paper lists the positions of all its copies."""
    paper_at = {
        source.position: paper.paper_id for paper in store.catalog.papers() for source in paper.sources
    }
    positions = {document.doc_id: position for position, document in enumerate(dataset.documents, 1)}

    def find(doc_id: str, query: Query) -> list[str]:
        return [paper_at.get(positions.get(doc_id, 0), f"not in the index: {doc_id}")]

    return find


def _abstracts(store: Store) -> _Find:
    """Find papers by their id or by a piece of their text, folded duplicates included."""
    kept: dict[str, str] = {}
    texts: dict[str, set[str]] = defaultdict(set)
    for paper in store.catalog.papers():
        kept[paper.paper_id] = paper.paper_id
        texts[paper.paper_id].add(paper.text)
    for drop in store.catalog.drops():
        kept[drop["paper"]["paper_id"]] = drop["kept_id"]
        texts[drop["kept_id"]].add(drop["paper"]["text"])

    def find(named: str, query: Query) -> list[str]:
        if named in kept:
            return [kept[named]]
        if query.rated:
            return [f"no longer in the index: {named}"]
        piece = clean_text(named)
        holders = [paper_id for paper_id, copies in texts.items() if any(piece in text for text in copies)]
        if not piece or not holders:
            raise CorpusError(
                f"No abstract of the index in {store.directory} is or holds {named[:60]!r} ({query.place}); "
                "correct it, or give the index it is about with --index."
            )
        return holders

    return find
