"""Compare papers by their bibliographic fields: DOI, title, authors and year."""

from __future__ import annotations

import re
import unicodedata

from rag.indexing.dedup.boilerplate import strip_boilerplate
from rag.indexing.dedup.contrast import find_contrast
from rag.indexing.dedup.minhash import jaccard, shingles
from rag.schema import Paper

# Thresholds: tuned by benchmarks/dedup.py; see docs/decisions.md#alike-references
_ALIKE_TITLE = 0.8  # Jaccard of title shingles; higher joins fewer papers
_CONTAINED_TITLE = 40  # letters of a title that is a prefix or suffix of another; higher joins fewer papers
_SHARED_AUTHORS = 0.5  # share of the shorter author list; higher joins fewer papers
_YEARS_APART = 1  # years between online-first and print; higher joins more papers
_OTHER_ABSTRACT = 0.3  # Jaccard of abstract shingles; below it two abstracts are different texts
# Words for the kind of paper: a rejoinder repeats the title that it answers, but is another work.
_KINDS = re.compile(
    r"\b(comments?|repl(?:y|ies)|rejoinder|discussion|response|erratum|errata|corrigendum|correction|retract\w*"
    r"|addendum|editorial|thesis|protocol)\b|(勘误|更正|撤回|评论|回复)",
    re.IGNORECASE,
)
_KIND_PREFIX = 30  # characters at the start of a text without title in which to look for a kind
_BLOCK_LENGTH = 30  # letters of a title in a blocking key
_INITIALS = re.compile(r"(?:[A-Z]\.?-?){1,3}")  # "Asemota EA", "E. A. Asemota"
_CITATION_TAIL = 200  # characters after the title that a record without abstract may have (names, journal)


def fold_title(title: str | None) -> str:
    """Return the letters and digits of a title, without accents and in lower case."""
    decomposed = unicodedata.normalize("NFKD", title or "").casefold()
    return "".join(char for char in decomposed if char.isalnum())


def surnames(paper: Paper) -> tuple[str, ...]:
    """Return the folded family names: the part before a comma, else the last word except initials."""
    return tuple(name for name in map(_surname, paper.authors) if name)


def doi_key(paper: Paper) -> str | None:
    """Return the DOI in lower case without trailing punctuation, or None if it is not valid."""
    doi = (paper.doi or "").strip().casefold().rstrip(".,; ")
    return doi if re.match(r"10\.\d+/\S", doi) else None


def reference_key(paper: Paper) -> tuple[str, tuple[str, ...], int] | None:
    """Return folded (title, surnames, year), or None if one is missing; equal keys mean one work."""
    title, names = fold_title(paper.title), surnames(paper)
    return (title, names, paper.year) if title and names and paper.year else None


def kinds(paper: Paper) -> frozenset[str]:
    """Return the words in the title that mark a comment, reply, erratum, thesis and so on."""
    found = _KINDS.findall(paper.title or paper.text[:_KIND_PREFIX])
    return frozenset("".join(groups).lower().removesuffix("s") for groups in found)


def is_other_work(first: Paper, second: Paper) -> bool:
    """Return whether two papers with one DOI are different works: both titles and abstracts differ.

    Some proceedings use one DOI for all papers, and some databases truncate DOIs.
    """
    titled = fold_title(first.title) and fold_title(second.title)
    return bool(
        titled
        and title_likeness(first, second) is None
        and has_abstract(first)
        and has_abstract(second)
        and _abstracts_alike(first, second) < _OTHER_ABSTRACT
    )


def title_blocks(paper: Paper) -> list[str]:
    """Return the blocking keys of a title: its start and its end."""
    title = fold_title(paper.title)
    return [f"^{title[:_BLOCK_LENGTH]}", f"{title[-_BLOCK_LENGTH:]}$"] if title else []


def reference_score(first: Paper, second: Paper) -> float | None:
    """Return the title similarity in (0, 1] if two papers are the same reference, else None.

    They must agree in title, authors and year, and must not have different DOIs or abstracts. Authors or year
    may be missing only if the titles are equal. Abstracts that contradict each other are two works, unless
    the references are equal or share a DOI, which `rag.indexing.dedup.folding` tests first.
    """
    ours, theirs = doi_key(first), doi_key(second)
    if ours and theirs and ours != theirs:
        return None
    likeness = title_likeness(first, second)
    if likeness is None or not _agree(first, second, equal_titles=likeness == 1.0):
        return None
    return None if _texts_differ(first, second) else likeness


def _texts_differ(first: Paper, second: Paper) -> bool:
    if has_abstract(first) != has_abstract(second):  # there is nothing to compare
        return False
    if has_abstract(first) and _abstracts_alike(first, second) < _OTHER_ABSTRACT:
        return True
    return find_contrast(strip_boilerplate(first.text), strip_boilerplate(second.text)) is not None


def has_abstract(paper: Paper) -> bool:
    """Return whether the text is more than the title and authors of the paper."""
    longest_citation = len(paper.title or "") + _CITATION_TAIL
    title, text = fold_title(paper.title), fold_title(paper.text[:longest_citation])
    return not title or not text.startswith(title) or len(paper.text) >= longest_citation


def title_likeness(first: Paper, second: Paper) -> float | None:
    """Return the similarity of two titles in (0, 1], or None if one is missing or they differ."""
    ours, theirs = fold_title(first.title), fold_title(second.title)
    if not ours or not theirs:
        return None
    if ours == theirs:
        return 1.0
    if find_contrast(first.title or "", second.title or "") or kinds(first) != kinds(second):
        return None
    shorter, longer = sorted((ours, theirs), key=len)
    if len(shorter) >= _CONTAINED_TITLE and (longer.startswith(shorter) or longer.endswith(shorter)):
        return len(shorter) / len(longer)
    likeness = jaccard(shingles(ours, first.language), shingles(theirs, first.language))
    return likeness if likeness >= _ALIKE_TITLE else None


def _agree(first: Paper, second: Paper, *, equal_titles: bool) -> bool:
    """Return whether years and authors are compatible and enough of them are known."""
    dated = first.year is not None and second.year is not None
    if first.year is not None and second.year is not None and abs(first.year - second.year) > _YEARS_APART:
        return False
    ours, theirs = set(surnames(first)), set(surnames(second))
    if ours and theirs:
        return len(ours & theirs) >= _SHARED_AUTHORS * min(len(ours), len(theirs)) and (dated or equal_titles)
    return dated and equal_titles


def _abstracts_alike(first: Paper, second: Paper) -> float:
    return jaccard(*(shingles(paper.text, paper.language) for paper in (first, second)))


def _surname(author: str) -> str:
    if "," in author:
        return fold_title(author.split(",")[0])
    words = [word for word in author.split() if not _INITIALS.fullmatch(word)] or author.split()[:1]
    return fold_title(words[-1]) if words else ""
