"""Write references as RIS through rispy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rag.export.names import Name
from rag.export.references import Reference, references
from rag.schema import Paper

_TYPES = {"journal": "JOUR", "conference": "CPAPER", "preprint": "UNPB", "other": "GEN"}


def ris(papers: Iterable[Paper]) -> str:
    """Return the papers as a RIS file."""
    import rispy

    writer = rispy.RisWriter()
    writer.set_header = lambda count: ""  # its "1." before each record is not RIS
    text: str = writer.formats([_record(reference) for reference in references(papers)])
    return text


def _record(reference: Reference) -> dict[str, Any]:
    paper = reference.paper
    fields = {
        "type_of_reference": _TYPES[reference.kind],
        "id": reference.key,
        "authors": [_name(name) for name in reference.names],
        "title": reference.title,
        "secondary_title": reference.venue,
        "year": str(paper.year or ""),
        "doi": reference.doi,
        "urls": [url] if (url := reference.url.replace(";", "%3B")) else [],  # a ";" would begin another
        "accession_number": paper.pmid or (f"arXiv:{paper.arxiv_id}" if paper.arxiv_id else ""),
        "name_of_database": "PubMed" if paper.pmid else "arXiv" if paper.arxiv_id else "",
        "language": reference.language,
        "keywords": reference.keywords,
        "abstract": reference.abstract,
    }
    return {name: value for name, value in fields.items() if value}


def _name(name: Name) -> str:
    family = f"{name.particle} {name.family}".strip()
    return ", ".join(filter(None, (family, name.given, name.suffix)))
