"""Everything that an index holds of one work."""

from __future__ import annotations

from rag.browsing.records import FoldedText, WorkDetails
from rag.browsing.shelf import Shelf
from rag.store.index import Store


def work_details(store: Store, paper_id: str) -> WorkDetails | None:
    """Return the work of a paper, or of one that was folded into it; None if it is gone."""
    paper = store.catalog.resolve(paper_id)
    if paper is None:
        return None
    shelf = Shelf(store)
    ids = [p.paper_id for p in shelf.works[shelf.library.number_of[paper.paper_id]].papers]
    papers = store.catalog.papers_by_id(ids)
    records = store.catalog.records_in("kept_id", ids).values() if store.catalog.has_records else ()
    folded = tuple(FoldedText(r.paper, r.kept_id, r.reason, r.score) for r in records if r.reason)
    return WorkDetails(tuple(papers[i] for i in ids), folded)
