"""Read the fields of EndNote XML records one by one: title, abstract, authors, year, doi, url."""

from __future__ import annotations

import codecs
import io
import re
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
_DECLARATION = re.compile(
    rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([A-Za-z][\w.-]{0,40})[\"'][^>]*\?>", re.ASCII
)
# What the parser decodes itself. It refuses or misreads any other encoding of several bytes a character.
_PARSERS_OWN = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii"})
# Files labelled GB2312 or GBK hold characters of the larger set as a rule; GB18030 contains both.
_GB = frozenset({"gb2312", "gbk", "gb18030", "cp936"})


def endnote_fields(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield the fields of each `<record>`: strings, and `authors` as a list; absent fields are "".

    Streams, and refuses entity tricks (defusedxml). Any text encoding that Python knows may be declared.
    Raises XmlError where the XML breaks off, after the records before it were yielded, and ValueError on a
    document that declares entities (of defusedxml) or whose encoding is unknown or not what it declares.
    """
    from defusedxml.ElementTree import iterparse

    data, undecodable = _decoded(data)
    try:
        for _, element in iterparse(io.BytesIO(data)):
            if element.tag == "record":
                yield _fields(element)
                element.clear()
    except ParseError as error:
        if undecodable:
            raise ValueError(undecodable) from error
        raise


def _fields(record: Element) -> dict[str, Any]:
    fields: dict[str, Any] = {name: _text(record.find(path)) for name, path in _FIELDS.items()}
    return fields | {"authors": [_text(author) for author in record.findall("contributors/authors/author")]}


def _decoded(data: bytes) -> tuple[bytes, str | None]:
    """Return XML that the parser reads, and why it ends early if it holds bytes that are no text."""
    declaration = _DECLARATION.match(data.removeprefix(codecs.BOM_UTF8))
    if declaration is None or (name := declaration[1].decode("ascii").lower()) in _PARSERS_OWN:
        return data, None
    if data.startswith(codecs.BOM_UTF8):  # the mark is what the last program to write the file knew
        return data[len(codecs.BOM_UTF8) + declaration.end() :], None
    encoding = "gb18030" if name in _GB else name
    data = data[declaration.end() :]
    try:
        return data.decode(encoding).encode(), None
    except UnicodeDecodeError as error:
        return data[: error.start].decode(encoding, "ignore").encode(), f"it is not valid {name}"
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"unknown encoding {name!r}; save the file as UTF-8") from error


def _text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()
