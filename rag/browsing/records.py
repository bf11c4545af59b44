"""The frozen records that browsing gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rag.schema import DropReason, Paper

Order = Literal["relevance", "year", "title", "added"]
FacetField = Literal["language", "year", "venue", "author", "keyword", "source"]
ORDERS: tuple[Order, ...] = ("relevance", "year", "title", "added")

Facets = dict[FacetField, tuple[tuple[str, int], ...]]
"""For each field its values, each with the number of works that have it."""


@dataclass(frozen=True, slots=True)
class PaperPage:
    """Some of the works that pass: each is its texts, of which the first was read first.

    `total` counts all that pass. With `nearest` no text holds the words that were looked for, and the works
    are those nearest in meaning; `total` is then how many are shown.
    """

    total: int
    works: tuple[tuple[Paper, ...], ...]
    nearest: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        works = [[paper.to_dict() for paper in work] for work in self.works]
        return {"total": self.total, "nearest": self.nearest, "works": works}


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A record that was folded into a paper: which paper, why and how alike (score in [0, 1])."""

    paper: Paper
    kept_id: str
    reason: DropReason
    score: float


@dataclass(frozen=True, slots=True)
class WorkDetails:
    """Everything that the index holds of one work: its texts, and the records that were folded into them."""

    papers: tuple[Paper, ...]
    folded: tuple[FoldedText, ...]
