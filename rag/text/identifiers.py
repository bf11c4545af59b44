"""Bring the identifiers of a paper (DOI, arXiv id, PMID) from their many written forms into one."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

_DOI = re.compile(r"(?<![\d.])10\.\d{1,9}(?:\.\d{1,9})*/[^\s\"'“”‘’，；。、]+", re.IGNORECASE)
_BEFORE_DOI = re.compile(r"https?://[^\s?#]*$", re.IGNORECASE)  # the address that the DOI is the end of
_RESOLVER = re.compile(r"https?://[^/\s]*doi[.-]org[^/\s]*/$", re.IGNORECASE)
_QUERY = re.compile(r"[?#].*")
# What publishers' addresses put after the DOI of the page.
_PAGE = re.compile(r"(?:/(?:abstract|full|fulltext|epub|e?pdf|html|meta|summary))+$|\.(?:pdf|html?|full)$")
_VERSION_OF_BIORXIV = re.compile(r"^(10\.1101/[\d.]*\d)v\d+.*")
_CLOSING_TAG = re.compile(r"</.*")
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]+")
_ESCAPED = re.compile("%[0-9a-f]{2}", re.IGNORECASE)
_MOST_ESCAPES = 3  # layers of URL encoding to undo ("%252F")
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}

_NEW_ARXIV = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"
_OLD_ARXIV = (
    r"(?:acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|"
    r"cond-mat|cs|dg-ga|funct-an|gr-qc|hep-(?:ex|lat|ph|th)|math|math-ph|mtrl-th|nlin|nucl-(?:ex|th)|"
    r"patt-sol|physics|plasm-ph|q-alg|q-bio|quant-ph|solv-int|supr-con)(?:\.[a-z-]{2,})?/\d{2}(?:0[1-9]|1[0-2])\d{3}"
)
_BARE_ARXIV = re.compile(rf"({_NEW_ARXIV}|{_OLD_ARXIV})(?:v\d{{1,3}})?", re.IGNORECASE)
_NAMED_ARXIV = re.compile(
    r"(?:arxiv\s*[:.\s/]|arxiv\.org[:/](?:abs|pdf|html|format|e-print|ps|src)?/?)\s*"
    rf"({_NEW_ARXIV}|{_OLD_ARXIV})(?!\d)",
    re.IGNORECASE,
)
_SUBJECT_CLASS = re.compile(r"(?<=[a-z])\.[a-z-]+(?=/)")
_PMID = re.compile(
    r"(?:(?:pmid|pubmed|medline)\s*(?:id)?\s*:?|https?://\S*?(?:pubmed[^\s/]*|pubmed/|term=))[\s/]*"
    r"(?P<named>[1-9]\d{0,8})(?!\d)|(?P<bare>[1-9]\d{0,8})(?:\.0)?",
    re.IGNORECASE,
)


def normalise_doi(text: str) -> str | None:
    """Return the first DOI in `text` in lower case ("10.1000/x"), or None.

    Resolvers ("https://dx.doi.org/", "doi:"), the addresses of publishers, URL encoding, " [doi]" of PubMed
    and punctuation after it are no part of it.
    """
    text = _HIDDEN.sub("", unicodedata.normalize("NFKC", html.unescape(text)))
    for _ in range(_MOST_ESCAPES):
        if found := _DOI.search(text):
            return _trimmed(found[0], text[: found.start()])
        if not _ESCAPED.search(text):
            break
        text = unquote(text)
    return None


def normalise_arxiv(text: str) -> str | None:
    """Return the arXiv id in `text` without version ("2101.00001", "hep-th/9901001"), or None.

    Takes an id alone, "arXiv:…", an address at arXiv and arXiv's DOIs. A number inside other text is not one.
    """
    text = unquote(unicodedata.normalize("NFKC", text)).strip()
    found = _BARE_ARXIV.fullmatch(text) or _NAMED_ARXIV.search(text)
    return _SUBJECT_CLASS.sub("", found[1].lower()) if found else None


def normalise_pmid(text: str) -> str | None:
    """Return the PubMed id in `text` ("PMID: 123", an address at PubMed or the number alone), or None."""
    text = unicodedata.normalize("NFKC", text).strip()
    found = _PMID.fullmatch(text) or _PMID.match(text)
    if found is None or (found["bare"] and found.end() != len(text)):
        return None
    return found["named"] or found["bare"]


def _trimmed(doi: str, before: str) -> str | None:
    address = _BEFORE_DOI.search(before)
    if address:
        doi = _QUERY.sub("", doi)
    while _ESCAPED.search(doi) and (plain := unquote(doi)) != doi:
        doi = plain
    doi = _HIDDEN.sub("", doi.split(maxsplit=1)[0]).lower()
    if address and not _RESOLVER.search(address[0]):
        doi = _PAGE.sub("", doi)
    doi = _without_end(_VERSION_OF_BIORXIV.sub(r"\1", _CLOSING_TAG.sub("", doi)))
    return doi if _DOI.fullmatch(doi) else None


def _without_end(doi: str) -> str:
    """Drop punctuation and unopened brackets after a DOI; brackets inside belong to old ones."""
    while doi:
        last = doi[-1]
        if last in _BRACKETS:
            if doi.count(_BRACKETS[last]) >= doi.count(last):
                break
        elif last not in ".,;:!?*&…/":
            break
        doi = doi[:-1]
    return doi
