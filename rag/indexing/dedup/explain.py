"""Say in plain words why two papers are, or are not, one work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from rag.indexing.decisions import NO_DECISIONS, Decisions
from rag.indexing.dedup.agreement import agreement, facts_of
from rag.indexing.dedup.boilerplate import comparable_text
from rag.indexing.dedup.contrast import find_contrast
from rag.indexing.dedup.folding import deduplicate
from rag.indexing.dedup.minhash import jaccard, shingles
from rag.indexing.dedup.names import common_authors
from rag.indexing.dedup.reference import (
    abstracts_alike,
    are_translations,
    has_abstract,
    identifier_keys,
    title_likeness,
)
from rag.schema import DropReason, Paper

REASONS: dict[DropReason, str] = {
    "exact": "the same text",
    "near": "nearly the same abstract",
    "doi": "the same DOI",
    "identifier": "the same arXiv id or PMID",
    "metadata": "the same title, authors and year",
    "by hand": "joined by hand",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether two papers are one work, by which rule, and what each test found."""

    one_work: bool
    verdict: str
    tests: tuple[tuple[str, str], ...]


def explain(first: Paper, second: Paper, decisions: Decisions = NO_DECISIONS) -> Explanation:
    """Compare two papers by themselves; others may still connect them, or come between them."""
    one_work, verdict = _verdict(first, second, decisions)
    return Explanation(one_work, verdict, tuple(_tests(first, second, decisions)))


def _verdict(first: Paper, second: Paper, decisions: Decisions) -> tuple[bool, str]:
    if decisions.forbid({first.paper_id}, {second.paper_id}):
        return False, "Two works: they are kept apart by hand."
    if first.paper_id != second.paper_id and are_translations(first, second):
        if first.work == second.work:
            return True, "One work: an abstract and its translation."
        return False, "Two works: they are not taken for an abstract and its translation."
    result = deduplicate([first, second], decisions)
    if not result.dropped:
        return False, "Two works: no test joins them."
    drop = result.dropped[0]
    return True, f"One work: {REASONS[drop.reason]} (score {drop.score:.2f})."


def _tests(first: Paper, second: Paper, decisions: Decisions) -> Iterator[tuple[str, str]]:
    pair = frozenset({first.paper_id, second.paper_id})
    joined, split = pair in decisions.joined, pair in decisions.split
    yield "by hand", "joined" if joined else "kept apart" if split else "nothing said"
    yield "identifiers", _identifiers(first, second)
    yield "title", _title(first, second)
    yield "authors", _authors(first, second)
    years = [str(paper.year) for paper in (first, second) if paper.year]
    yield "year", " and ".join(years) if len(years) == 2 else "missing"
    if not (has_abstract(first) and has_abstract(second)):
        yield "abstract", "missing"
    elif are_translations(first, second):
        yield "abstract", "in two languages"
        yield from _across(first, second)
    else:
        yield "abstract", _abstract(first, second)
        contrast = find_contrast(comparable_text(first.text), comparable_text(second.text))
        yield "contradiction", f"they differ in a {contrast}" if contrast else "none"


def _identifiers(first: Paper, second: Paper) -> str:
    ours, theirs = identifier_keys(first), identifier_keys(second)
    if common := sorted(set(ours) & set(theirs)):
        return f"both have {', '.join(common)}"
    return f"{', '.join(ours)} and {', '.join(theirs)}" if ours and theirs else "none to compare"


def _title(first: Paper, second: Paper) -> str:
    if not first.title or not second.title:
        return "missing"
    likeness = title_likeness(first, second)
    if likeness is None:
        return "different"
    return "equal" if likeness == 1.0 else f"alike ({likeness:.0%})"


def _authors(first: Paper, second: Paper) -> str:
    if not first.authors or not second.authors:
        return "missing"
    fewest = min(len(first.authors), len(second.authors))
    return f"{common_authors(first.authors, second.authors)} of {fewest} in common"


def _abstract(first: Paper, second: Paper) -> str:
    ours, theirs = (shingles(comparable_text(paper.text), paper.language) for paper in (first, second))
    share = abstracts_alike(first, second)
    return f"{jaccard(ours, theirs):.0%} of both in common, {share:.0%} of the shorter one"


def _across(first: Paper, second: Paper) -> Iterator[tuple[str, str]]:
    chinese, english = sorted((first, second), key=lambda paper: paper.language, reverse=True)
    shared = agreement(facts_of(chinese), facts_of(english))
    found = [f"{len(shared.numbers)} in common"]
    found += [f"only in the Chinese text: {_values(shared.lost)}"] if shared.lost else []
    found += [f"only in the English text: {_values(shared.added)}"] if shared.added else []
    yield "numbers", "; ".join(found)
    yield "names", f"{len(shared.names)} of {shared.named} Latin words of the Chinese text are in the English"
    yield "nearness", "measured among all papers when the index is made"


def _values(values: Iterable[Decimal]) -> str:
    return ", ".join(f"{value.normalize():f}" for value in sorted(values))
