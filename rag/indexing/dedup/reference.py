"""Compare papers as bibliographic references: DOI, title, authors and year."""

from __future__ import annotations

import re
import unicodedata

from rag.indexing.dedup.boilerplate import strip_boilerplate
from rag.indexing.dedup.contrast import find_contrast
from rag.indexing.dedup.minhash import cached_shingles, jaccard
from rag.schema import Paper

# Tuned on the copper set, tested on tafenoquine (benchmarks/dedup.py): titles of one work differ by case,
# accents, a mojibake or an added heading; two works by one group share under half of their title's shingles.
_ALIKE_TITLE = 0.8
# A title that ends or begins another one ("Short report: ...", "... 06 Biological Sciences") is the same if
# it is this long; shorter ones ("Copper") begin many titles.
_CONTAINED_TITLE = 40
_SHARED_AUTHORS = 0.5
# Online-first and print years of one work differ by one.
_YEARS_APART = 1
# Below this share of shingles two abstracts are two texts (.05 is chance); then an alike title is a series.
_OTHER_ABSTRACT = 0.3
# What a title says about the kind of paper: a rejoinder repeats the title it answers and is another work.
_KINDS = re.compile(
    r"\b(comments?|repl(?:y|ies)|rejoinder|discussion|response|erratum|errata|corrigendum|correction|retract\w*"
    r"|addendum|editorial|thesis|protocol)\b|(勘误|更正|撤回|评论|回复)",
    re.IGNORECASE,
)
_KIND_WORDS_LONG = 30  # characters of a text without title in which a kind is looked for
_BLOCK_LENGTH = 30
_INITIALS = re.compile(r"(?:[A-Z]\.?-?){1,3}")  # "Asemota EA", "E. A. Asemota"
# A record without an abstract carries its title and a few names as text; an abstract is longer than that.
_CITATION_TAIL = 200


def fold_title(title: str | None) -> str:
    """Return the letters and digits of a title, without accents, case, spaces or punctuation."""
    decomposed = unicodedata.normalize("NFKD", title or "").casefold()
    return "".join(char for char in decomposed if char.isalnum())


def surnames(paper: Paper) -> tuple[str, ...]:
    """Return the folded family names: before a comma, else the last word that is no initials."""
    return tuple(name for name in map(_surname, paper.authors) if name)


def doi_key(paper: Paper) -> str | None:
    """Return the DOI in lower case without what databases append, or None."""
    doi = (paper.doi or "").strip().casefold().rstrip(".,; ")
    return doi if re.match(r"10\.\d+/\S", doi) else None


def reference_key(paper: Paper) -> tuple[str, tuple[str, ...], int] | None:
    """Return (title, authors, year) folded, equal for records of one reference; None if a part is missing."""
    title, names = fold_title(paper.title), surnames(paper)
    return (title, names, paper.year) if title and names and paper.year else None


def kinds(paper: Paper) -> frozenset[str]:
    """Return the words by which title (or beginning) marks a comment, reply, erratum, thesis and the like."""
    found = _KINDS.findall(paper.title or paper.text[:_KIND_WORDS_LONG])
    return frozenset("".join(groups).lower().removesuffix("s") for groups in found)


def is_other_work(first: Paper, second: Paper) -> bool:
    """Return whether two papers under one DOI are two: unlike titles and unlike abstracts.

    Proceedings print one DOI on all their papers, and some databases cut DOIs off ("10.5121/ijcsit").
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
    """Return the keys under which papers with an alike title meet: its beginning and its end."""
    title = fold_title(paper.title)
    return [f"^{title[:_BLOCK_LENGTH]}", f"{title[-_BLOCK_LENGTH:]}$"] if title else []


def reference_score(first: Paper, second: Paper) -> float | None:
    """Return how alike the titles are, in (0, 1], when two papers are one reference, else None.

    One reference: titles alike (equal, one ending or beginning the other, or shingle Jaccard >= 0.8) and
    without contrast; years at most one apart; at least half of the shorter author list in the longer; no
    two different DOIs; no two different abstracts. A missing year or author list agrees only with an equal
    title. Alike references, unlike equal ones and a shared DOI (which `rag.indexing.dedup.folding` looks at first), do not
    override the text: abstracts that differ in a number, a negation or a direction are two works, and so is
    a copy cut short before a number. On copper and tafenoquine this costs no recall.
    """
    ours, theirs = doi_key(first), doi_key(second)
    if ours and theirs and ours != theirs:
        return None
    likeness = title_likeness(first, second)
    if likeness is None or not _agree(first, second, equal_titles=likeness == 1.0):
        return None
    return None if _texts_differ(first, second) else likeness


def _texts_differ(first: Paper, second: Paper) -> bool:
    if has_abstract(first) != has_abstract(second):  # a bare citation says nothing about the abstract
        return False
    if has_abstract(first) and _abstracts_alike(first, second) < _OTHER_ABSTRACT:
        return True
    return find_contrast(strip_boilerplate(first.text), strip_boilerplate(second.text)) is not None


def has_abstract(paper: Paper) -> bool:
    """Return whether the text is more than the title (and authors) of the paper."""
    title, text = fold_title(paper.title), fold_title(paper.text[: len(paper.title or "") + _CITATION_TAIL])
    return (
        not title or not text.startswith(title) or len(paper.text) >= len(paper.title or "") + _CITATION_TAIL
    )


def title_likeness(first: Paper, second: Paper) -> float | None:
    """Return how alike two titles are, in (0, 1]; None if one is missing or they name two works."""
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
    likeness = jaccard(cached_shingles(ours, first.language), cached_shingles(theirs, first.language))
    return likeness if likeness >= _ALIKE_TITLE else None


def _agree(first: Paper, second: Paper, *, equal_titles: bool) -> bool:
    """Return whether years and authors do not speak against one work, and at least one speaks for it."""
    years = first.year is not None and second.year is not None
    if first.year is not None and second.year is not None and abs(first.year - second.year) > _YEARS_APART:
        return False
    ours, theirs = set(surnames(first)), set(surnames(second))
    if ours and theirs:
        return len(ours & theirs) >= _SHARED_AUTHORS * min(len(ours), len(theirs)) and (years or equal_titles)
    return years and equal_titles


def _abstracts_alike(first: Paper, second: Paper) -> float:
    return jaccard(*(cached_shingles(paper.text, paper.language) for paper in (first, second)))


def _surname(author: str) -> str:
    if "," in author:
        return fold_title(author.split(",")[0])
    words = [word for word in author.split() if not _INITIALS.fullmatch(word)] or author.split()[:1]
    return fold_title(words[-1]) if words else ""
