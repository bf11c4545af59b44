"""Compare papers by their bibliographic fields: identifiers, title, authors and year."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rag.indexing.dedup.boilerplate import comparable_text
from rag.indexing.dedup.contrast import find_contrast
from rag.indexing.dedup.minhash import containment, jaccard, shingles
from rag.indexing.dedup.names import common_authors, surname
from rag.schema import Paper
from rag.text.identifiers import normalise_arxiv, normalise_doi
from rag.text.language import to_simplified

# Thresholds: tuned by benchmarks/dedup.py; see docs/decisions.md#alike-references
_ALIKE_TITLE = 0.8  # Jaccard of title shingles; higher joins fewer papers
_CONTAINED_TITLE = 40  # letters of a title that is a prefix or suffix of another; higher joins fewer papers
_TELLING_TITLE = {"en": 18, "zh": 7}  # letters; a shorter title, such as "Editorial", joins nothing by itself
_SHARED_AUTHORS = 0.5  # share of the shorter author list; higher joins fewer papers
_YEARS_APART = 1  # years between online-first and print; higher joins more papers
# Share of the shorter abstract's shingles that the other has; below it two abstracts are different texts.
# Chance is .15. The first is for papers with one identifier, the second for papers with one title.
_OTHER_ABSTRACT = 0.3
_OTHER_ABSTRACT_OF_TITLE = 0.6
# Words for the kind of paper: a rejoinder repeats the title that it answers, but is another work.
_KINDS = re.compile(
    r"\b(comments?|repl(?:y|ies)|rejoinder|discussion|response|erratum|errata|corrigendum|correction|retract\w*"
    r"|addendum|editorial|thesis|protocol)\b|(勘误|更正|撤回|评论|回复)",
    re.IGNORECASE,
)
_KIND_PREFIX = 30  # characters at the start of a text without title in which to look for a kind
_NOT_ALNUM = re.compile(r"[^a-z0-9]+")  # of lower-case ASCII
_BLOCK_LENGTH = 30  # letters of a title in a blocking key
_CITATION_TAIL = 200  # characters after the title that a record without abstract may have (names, journal)
# DOIs that preprint servers and repositories give; the journal gives the same work another one.
_PREPRINT_DOI = re.compile(
    r"10\.(?:48550/|1101/(?:\d{6}$|\d{4}\.\d\d\.)|21203/|20944/|2139/ssrn|26434/|3123[45]/|31219/|5281/|6084/"
    r"|36227/|22541/|32942/)"
)


def fold_title(title: str | None) -> str:
    """Return the letters and digits of a title, without accents, in lower case and Simplified characters."""
    if title and title.isascii():
        return _NOT_ALNUM.sub("", title.lower())
    decomposed = unicodedata.normalize("NFKD", to_simplified(title or "")).casefold()
    return "".join(char for char in decomposed if char.isalnum())


def surnames(paper: Paper) -> tuple[str, ...]:
    """Return the folded family names: before a comma, else last, except initials."""
    return tuple(name for name in map(surname, paper.authors) if name)


@lru_cache(maxsize=65536)
def _doi(text: str) -> str | None:
    return normalise_doi(text)


def doi_key(paper: Paper) -> str | None:
    """Return the DOI in its one form, or None if there is no valid one."""
    return _doi(paper.doi) if paper.doi else None


def identifier_keys(paper: Paper) -> tuple[str, ...]:
    """Return identifiers as keys such as "doi:10.1000/x"; the DOI of an arXiv preprint is an arXiv id."""
    doi = doi_key(paper)
    of_doi = normalise_arxiv(doi) if doi and doi.startswith("10.48550/") else None
    arxiv = of_doi or (normalise_arxiv(paper.arxiv_id) if paper.arxiv_id else None)
    found = {"doi": None if of_doi else doi, "arxiv": arxiv, "pmid": paper.pmid}
    return tuple(f"{kind}:{value}" for kind, value in found.items() if value)


def conflict(first: Paper, second: Paper) -> bool:
    """Return whether two papers have different DOIs, neither of them a preprint's."""
    ours, theirs = doi_key(first), doi_key(second)
    if not ours or not theirs or ours == theirs:
        return False
    return not (_PREPRINT_DOI.match(ours) or _PREPRINT_DOI.match(theirs))


def is_telling(paper: Paper) -> bool:
    """Return whether the title is long enough to tell the paper from others."""
    return len(fold_title(paper.title)) >= _TELLING_TITLE[paper.language]


def reference_key(paper: Paper) -> tuple[str, tuple[str, ...], int] | None:
    """Return folded (title, surnames, year), or None if one is missing."""
    title, names = fold_title(paper.title), surnames(paper)
    return (title, names, paper.year) if title and names and paper.year else None


def kinds(paper: Paper) -> frozenset[str]:
    """Return the words in the title that mark a comment, reply, erratum, thesis and so on."""
    found = _KINDS.findall(paper.title or paper.text[:_KIND_PREFIX])
    return frozenset("".join(groups).lower().removesuffix("s") for groups in found)


def is_other_work(first: Paper, second: Paper) -> bool:
    """Return whether two papers with one identifier, or one title, authors and year, are different works.

    Some proceedings and books use one DOI for all papers, some databases truncate DOIs, and a conference and
    a journal paper may have one title. An abstract and its translation count as different here.
    """
    if first.paper_id == second.paper_id:
        return False
    if are_translations(first, second):
        return True
    told = has_abstract(first) and has_abstract(second)
    if set(identifier_keys(first)) & set(identifier_keys(second)):
        return _is_other_part(first, second, told=told)
    if not told:
        return not is_telling(first)
    alike = abstracts_alike(first, second)
    return alike < _OTHER_ABSTRACT_OF_TITLE or (conflict(first, second) and _contradict(first, second))


def are_translations(first: Paper, second: Paper) -> bool:
    """Return whether two papers have abstracts in two languages, so that both texts have to be kept."""
    return first.language != second.language and has_abstract(first) and has_abstract(second)


def _is_other_part(first: Paper, second: Paper, *, told: bool) -> bool:
    """Return whether two papers with one identifier are parts of a larger work, such as chapters."""
    telling = is_telling(first) and is_telling(second)
    if telling and title_likeness(first, second) is not None:
        return False
    if told:
        return abstracts_alike(first, second) < _OTHER_ABSTRACT
    return telling and not (has_abstract(first) or has_abstract(second))


def title_blocks(paper: Paper) -> list[str]:
    """Return the blocking keys of a title: its start and its end."""
    title = fold_title(paper.title)
    return [f"^{title[:_BLOCK_LENGTH]}", f"{title[-_BLOCK_LENGTH:]}$"] if title else []


def reference_score(first: Paper, second: Paper) -> float | None:
    """Return the title similarity in (0, 1] if two papers are the same reference, else None.

    They must agree in title, authors and year, and must not have different DOIs or abstracts. Authors or year
    may be missing only if the titles are equal. Abstracts that contradict each other are two works, unless
    the references are equal or share an identifier, which `rag.indexing.dedup.groups` tests first.
    """
    if conflict(first, second) or not (is_telling(first) and is_telling(second)):
        return None
    likeness = title_likeness(first, second)
    if likeness is None or not _agree(first, second, equal_titles=likeness == 1.0):
        return None
    return None if _texts_differ(first, second) else likeness


def _texts_differ(first: Paper, second: Paper) -> bool:
    if has_abstract(first) != has_abstract(second):  # there is nothing to compare
        return False
    if are_translations(first, second):
        return True
    if has_abstract(first) and abstracts_alike(first, second) < _OTHER_ABSTRACT_OF_TITLE:
        return True
    return _contradict(first, second)


def _contradict(first: Paper, second: Paper) -> bool:
    return find_contrast(comparable_text(first.text), comparable_text(second.text)) is not None


def has_abstract(paper: Paper) -> bool:
    """Return whether the text is more than the title and authors of the paper."""
    longest_citation = len(paper.title or "") + _CITATION_TAIL
    if not paper.title or len(paper.text) >= longest_citation:
        return True
    title = fold_title(paper.title)
    return not title or not fold_title(paper.text[:longest_citation]).startswith(title)


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
    ours, theirs = surnames(first), surnames(second)
    if ours and theirs:
        fewest = min(len(set(ours)), len(set(theirs)))
        common = common_authors(first.authors, second.authors)
        return common >= _SHARED_AUTHORS * fewest and (dated or equal_titles)
    return dated and equal_titles


def abstracts_alike(first: Paper, second: Paper) -> float:
    """Return the share of the shorter abstract that is in the other, by shingles."""
    return containment(*(shingles(comparable_text(paper.text), paper.language) for paper in (first, second)))
