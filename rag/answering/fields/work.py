"""One work of a library, with everything that its records say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rag.schema import Language, Paper

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work:
    """One work: its papers without their texts, one or, with a translation, several; fields of any hold."""

    papers: tuple[Paper, ...]

    def first(self, field: Callable[[Paper], T]) -> T | None:
        """Return a field of the first paper that has it."""
        return next((value for value in map(field, self.papers) if value), None)

    @property
    def year(self) -> int | None:
        """The year of publication."""
        return self.first(lambda paper: paper.year)

    @property
    def venue(self) -> str | None:
        """The journal or conference."""
        return self.first(lambda paper: paper.venue)

    @property
    def authors(self) -> tuple[str, ...]:
        """The authors, as the first paper that has any writes them."""
        return self.first(lambda paper: paper.authors) or ()

    def shown(self, language: Language) -> Paper:
        """Return the paper in this language, else the first."""
        return next((paper for paper in self.papers if paper.language == language), self.papers[0])

    @property
    def link(self) -> str:
        """Where it can be read: by its DOI, its arXiv id or the address in its record; "" if unknown."""
        doi = self.first(lambda paper: paper.doi)
        arxiv = self.first(lambda paper: paper.arxiv_id)
        if doi:
            return f"https://doi.org/{doi}"
        if arxiv:
            return f"https://arxiv.org/abs/{arxiv}"
        return self.first(lambda paper: paper.url) or ""
