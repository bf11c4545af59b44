"""Write references as CSL-JSON, the form of citation processors, Zotero and Pandoc."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rag.export.names import Name
from rag.export.references import Reference, references
from rag.schema import Paper

_TYPES = {
    "journal": "article-journal",
    "conference": "paper-conference",
    "preprint": "article",
    "other": "document",
}


def csl_json(papers: Iterable[Paper]) -> str:
    """Return the papers as a list in CSL-JSON."""
    items = [_item(reference) for reference in references(papers)]
    return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def _item(reference: Reference) -> dict[str, Any]:
    paper = reference.paper
    item = {
        "id": reference.key,
        "type": _TYPES[reference.kind],
        "title": reference.title,
        "author": [_name(name) for name in reference.names],
        "container-title": reference.venue,
        "issued": {"date-parts": [[paper.year]]} if paper.year else None,
        "DOI": reference.doi,
        "URL": reference.url,
        "PMID": paper.pmid,
        "number": f"arXiv:{paper.arxiv_id}" if paper.arxiv_id else None,
        "language": paper.language,
        "keyword": ", ".join(reference.keywords),
        "abstract": reference.abstract,
    }
    return {name: value for name, value in item.items() if value}


def _name(name: Name) -> dict[str, str]:
    if name.whole:
        return {"literal": name.family}
    parts = {
        "family": name.family,
        "given": name.given,
        "non-dropping-particle": name.particle,
        "suffix": name.suffix,
    }
    return {key: value for key, value in parts.items() if value}
