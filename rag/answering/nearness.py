"""Tell whether anything that a search found is near the query at all, or only the least far."""

from __future__ import annotations

from collections.abc import Sequence

from rag.schema import ScoredChunk
from rag.text.analyzer import analyze

# Aligned cosine of the nearest abstract from which a search has found something; higher says more often that
# nothing is near. Each embedding model has its own. See docs/decisions.md#nothing-near.
NEAR = {"embeddinggemma-300m": 0.3, "multilingual-e5-small": 0.2}


def is_near(query: str, results: Sequence[ScoredChunk], least: float) -> bool:
    """Return whether a result is near the query by its cosine, or holds every word of it.

    A short query, such as a name, has a low cosine to every abstract; then its words decide.
    """
    cosines = [result.dense for result in results if result.dense is not None]
    if any(cosine >= least for cosine in cosines):
        return True
    terms = set(analyze(query))
    return bool(terms) and any(
        terms <= set(analyze(f"{result.paper.title or ''}\n{result.paper.text}")) for result in results
    )
