"""Write references as BibTeX, in UTF-8, through bibtexparser; formulas stay formulas, all else is text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from rag.export.names import Name
from rag.export.references import Reference, references
from rag.schema import Paper

_TYPES = {"journal": "article", "conference": "inproceedings", "preprint": "misc", "other": "misc"}
_VENUE = {"journal": "journal", "conference": "booktitle", "preprint": "howpublished", "other": "note"}
_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\lbrace{}",
        "}": r"\rbrace{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{char: f"\\{char}" for char in "$&%#_"},
    }
)
# What Pandoc takes for a formula: no space inside the dollars, no digit after them. "$5 and $6" is none.
_FORMULA = re.compile(r"(?<!\\)\$(?=[^\s$])(?:[^$\\@]|\\[^@]){1,600}?(?<=[^\s\\])\$(?!\d)")
# Styles put titles into lower case. Words with a capital inside, and single capitals, keep theirs in braces.
_KEPT_CASE = re.compile(r"\S+[A-Z]|[B-HJ-Z](?![A-Za-z])")
_UNSAFE_IN_URL = re.compile(r"[\\{}^`|<>\"\s]")


def bibtex(papers: Iterable[Paper]) -> str:
    """Return the papers as a BibTeX file."""
    from bibtexparser.entrypoint import write_string
    from bibtexparser.library import Library
    from bibtexparser.model import Block, Entry, Field

    entries: list[Block] = [
        Entry(_TYPES[r.kind], r.key, [Field(name, f"{{{value}}}") for name, value in _fields(r) if value])
        for r in references(papers)
    ]
    return write_string(Library(entries), unparse_stack=[])


def _fields(reference: Reference) -> Iterator[tuple[str, str]]:
    paper = reference.paper
    yield "author", " and ".join(map(_name, reference.names))
    yield "title", tex(reference.title, keep_case=True)
    yield _VENUE[reference.kind], tex(reference.venue)
    yield "year", str(paper.year or "")
    yield "doi", _address(reference.doi)
    yield "url", _address(reference.url)
    if paper.arxiv_id:
        yield "eprint", _address(paper.arxiv_id)
        yield "archiveprefix", "arXiv"
    yield "pmid", tex(paper.pmid or "")
    yield "language", reference.language.lower()
    yield "keywords", tex(", ".join(reference.keywords))
    yield "abstract", tex(reference.abstract)


def tex(text: str, *, keep_case: bool = False) -> str:
    """Return `text` for TeX: formulas as they are, every other special character escaped."""
    parts: list[str] = []
    done = 0
    for found in _FORMULA.finditer(text):
        if _is_balanced(found[0]):
            parts += [_words(text[done : found.start()], keep_case), _braced(found[0], keep_case)]
            done = found.end()
    return "".join(parts) + _words(text[done:], keep_case)


def _words(text: str, keep_case: bool) -> str:
    if not keep_case:
        return text.translate(_SPECIAL)
    words = (_braced(word.translate(_SPECIAL), bool(_KEPT_CASE.match(word))) for word in text.split(" "))
    return " ".join(words)


def _braced(text: str, braces: bool) -> str:
    return f"{{{text}}}" if braces else text


def _is_balanced(formula: str) -> bool:
    """Return whether BibTeX, which knows no escaped brace, finds a closing one for each."""
    depth = 0
    for char in formula:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    return depth == 0


def _name(name: Name) -> str:
    if name.whole:
        return f"{{{tex(name.family)}}}"
    parts = [f"{name.particle} {name.family}".strip(), name.suffix, name.given]
    return ", ".join(tex(part) for part in parts if part)


def _address(text: str) -> str:
    """Return an address or identifier, which TeX reads as it is, without what would end the field."""
    return _UNSAFE_IN_URL.sub(lambda found: quote(found[0]), text)
