"""Read the fields of EndNote XML records one by one: title, abstract, authors, year, doi, url."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

#: What the ElementTree parser raises on XML that breaks off or is not well formed.
XmlError = ParseError

_FIELDS = {
    "title": "titles/title",
    "abstract": "abstract",
    "year": "dates/year",
    "doi": "electronic-resource-num",
    "url": "urls/related-urls/url",
    "caption": "caption",
    "pages": "pages",
}


def endnote_fields(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield the fields of each `<record>`: strings, and `authors` as a list; absent fields are "".

    Streams, and refuses entity tricks (defusedxml). Raises XmlError where the XML breaks off, after the
    records before it were yielded, and ValueError (of defusedxml) on a document that declares entities.
    """
    from defusedxml.ElementTree import iterparse

    for _, element in iterparse(io.BytesIO(data)):
        if element.tag == "record":
            fields: dict[str, Any] = {name: _text(element.find(path)) for name, path in _FIELDS.items()}
            fields["authors"] = [_text(author) for author in element.findall("contributors/authors/author")]
            yield fields
            element.clear()


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()
