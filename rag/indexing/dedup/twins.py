"""Find an abstract and its translation, by whoever made it, among papers in two languages.

Each of two texts has to be the other's nearest in the aligned space. Then evidence is added up: how much
nearer they are than their surroundings, the numbers by value and the names in Latin letters that they share
or miss, and what their references say. Texts that each have a number of their own are never twins.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rag.indexing.decisions import NO_DECISIONS, Decisions
from rag.indexing.dedup.agreement import Agreement, agreement, facts_of
from rag.indexing.dedup.names import common_authors
from rag.indexing.dedup.neighbours import Pair, Surroundings, Vectors
from rag.indexing.dedup.reference import conflict, fold_title, has_abstract, identifier_keys, is_telling
from rag.indexing.dedup.works import Works, name_works
from rag.schema import Paper
from rag.text.language import is_han

# Weights of the evidence, in log odds; tuned by benchmarks/twins.py; see docs/decisions.md#twins
_GAIN, _MARGIN = 6.0, 7.0  # per unit of cosine
_NUMBERS, _LOST_NUMBERS, _ADDED_NUMBERS = 2.9, -2.6, -0.8  # per log(1 + count)
_NAMES, _LOST_NAMES = 0.5, -3.6  # the same
_SAME_IDENTIFIER, _SAME_TITLE, _SAME_AUTHORS = 6.0, 3.0, 3.0
_OTHER_IDENTIFIER, _OTHER_AUTHORS, _OTHER_YEAR = -2.0, -4.0, -1.0
_LEAST = 3.0  # log odds of a twin; higher finds fewer
# Cosine that two abstracts of one field may have, by embedding model; higher finds fewer in small libraries.
_FLOOR, _FLOORS = 0.45, {"multilingual-e5-small": 0.3}
_BLOCK_LIMIT = 10  # papers to compare with under one identifier; higher finds twins among a book's chapters
_SHARED_AUTHORS = 0.5  # share of the shorter list that makes authors the same; none makes them others


@dataclass(frozen=True, slots=True)
class Twins:
    """A Chinese and an English paper that may be one work, how sure that is, and what their texts share."""

    chinese: Paper
    english: Paper
    score: float
    shared: Agreement

    @property
    def order(self) -> tuple[float, str, str]:
        """Return the sort key that puts the surest first."""
        return -self.score, self.chinese.paper_id, self.english.paper_id

    @property
    def are_one(self) -> bool:
        """Return whether the two are taken for an abstract and its translation."""
        return self.score >= _LEAST and not self.shared.contradicts


def find_twins(
    papers: Sequence[Paper],
    vectors: Vectors,
    decisions: Decisions = NO_DECISIONS,
    new: Collection[str] | None = None,
    model: str | None = None,
) -> dict[str, str]:
    """Return the `work_id` of every paper that is one work with another: those given, and twins found.

    Args:
        papers: what `deduplicate` keeps. A `work_id` that is set stays, and its paper gets no other twin.
        vectors: one row a paper (n, d), aligned across languages and L2-normalised.
        decisions: pairs that are, or are not, one work whatever their texts say.
        new: ids of papers to find twins for, by default all. The time grows with their number times n.
        model: the name of the embedding model, if it is a default one.
    """
    works = _given(papers, decisions)
    free = [len(works.of(paper.paper_id)) == 1 and not paper.work_id for paper in papers]
    taken: set[str] = set()
    floor = _FLOORS.get(model or "", _FLOOR)
    for twins in sorted(candidates(papers, vectors, free, new, floor), key=lambda one: one.order):
        ids = {twins.chinese.paper_id, twins.english.paper_id}
        if twins.are_one and not ids & taken and works.join(*sorted(ids)):
            taken |= ids
    return name_works(papers, works)


def _given(papers: Sequence[Paper], decisions: Decisions) -> Works:
    """Return the works that the papers have already, and those made by hand."""
    works = Works(decisions)
    first: dict[str, str] = {}
    for paper in papers:
        if paper.work_id:
            works.join(first.setdefault(paper.work_id, paper.paper_id), paper.paper_id)
    known = {paper.paper_id for paper in papers}
    for pair in sorted(decisions.joined, key=sorted):
        if len(pair) == 2 and pair <= known:
            works.join(*sorted(pair))
    return works


def candidates(
    papers: Sequence[Paper],
    vectors: Vectors,
    free: Sequence[bool],
    new: Collection[str] | None = None,
    floor: float = _FLOOR,
) -> Iterator[Twins]:
    """Yield the pairs of two languages, one of them `new`, that are nearest or have one identifier."""
    chinese, english = (
        [i for i, paper in enumerate(papers) if paper.language == language and has_abstract(paper)]
        for language in ("zh", "en")
    )
    if not chinese or not english:
        return
    near = Surroundings(vectors[chinese], vectors[english], floor)
    is_new = [new is None or paper.paper_id in new for paper in papers]
    rows = {row for row, i in enumerate(chinese) if is_new[i]}
    if new is not None:
        rows |= near.rows_near([column for column, i in enumerate(english) if is_new[i]])
    found = {(pair.row, pair.column): pair for pair in near.pairs(sorted(rows))}
    for row, column in _identified([papers[i] for i in chinese], [papers[i] for i in english]):
        if is_new[chinese[row]] or is_new[english[column]]:
            found.setdefault((row, column), Pair(row, column, near.gain(row, column), 0.0))
    for (row, column), pair in found.items():
        i, j = chinese[row], english[column]
        if free[i] and free[j] and (is_new[i] or is_new[j]):
            yield compare(papers[i], papers[j], pair)


def _identified(chinese: Sequence[Paper], english: Sequence[Paper]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of rows with one identifier; a few of each, since a book's chapters may share one."""
    holders: dict[str, list[int]] = defaultdict(list)
    for column, paper in enumerate(english):
        for key in identifier_keys(paper):
            holders[key].append(column)
    for row, paper in enumerate(chinese):
        for key in identifier_keys(paper):
            yield from ((row, column) for column in holders[key][:_BLOCK_LIMIT])


def compare(chinese: Paper, english: Paper, pair: Pair) -> Twins:
    """Return how sure it is that two papers are one work, given how near their vectors are."""
    shared = agreement(facts_of(chinese), facts_of(english))
    near = _GAIN * pair.gain + _MARGIN * pair.margin
    score = near + _of_texts(shared) + _of_references(chinese, english)
    return Twins(chinese, english, score, shared)


def _of_texts(shared: Agreement) -> float:
    return sum(
        weight * math.log1p(count)
        for weight, count in (
            (_NUMBERS, len(shared.numbers)),
            (_LOST_NUMBERS, len(shared.lost)),
            (_ADDED_NUMBERS, len(shared.added)),
            (_NAMES, len(shared.names)),
            (_LOST_NAMES, shared.named - len(shared.names)),
        )
    )


def _of_references(chinese: Paper, english: Paper) -> float:
    """Return the evidence of identifiers, titles, authors and years; 0 for what cannot be compared."""
    score = 0.0
    if set(identifier_keys(chinese)) & set(identifier_keys(english)):
        score += _SAME_IDENTIFIER
    elif conflict(chinese, english) or _differ(chinese.arxiv_id, english.arxiv_id):
        score += _OTHER_IDENTIFIER
    if is_telling(english) and fold_title(chinese.title) == fold_title(english.title):
        score += _SAME_TITLE
    if chinese.authors and english.authors and _one_script(chinese.authors) == _one_script(english.authors):
        fewest = min(len(chinese.authors), len(english.authors))
        share = common_authors(chinese.authors, english.authors) / fewest
        score += _SAME_AUTHORS if share >= _SHARED_AUTHORS else _OTHER_AUTHORS if not share else 0.0
    if chinese.year and english.year and abs(chinese.year - english.year) > 1:
        score += _OTHER_YEAR
    return score


def _differ(first: str | None, second: str | None) -> bool:
    return bool(first and second and first != second)


def _one_script(authors: Sequence[str]) -> bool:
    """Return whether names are written in Latin letters."""
    return not any(is_han(char) for author in authors for char in author)
