"""Recognise the format of a text by how it begins, and read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from rag.indexing.reading.forms import xml_records
from rag.indexing.reading.forms.bibtex import is_bibtex, read_bibtex
from rag.indexing.reading.forms.json_records import is_json, read_json
from rag.indexing.reading.forms.markdown import is_markdown, read_markdown
from rag.indexing.reading.forms.plain_text import has_separators, read_paragraphs, read_separated
from rag.indexing.reading.forms.pubmed_text import is_pubmed_text, read_pubmed_text
from rag.indexing.reading.forms.tables import has_texts, read_table, table_of
from rag.indexing.reading.forms.tagged import dialect_of, read_tagged
from rag.indexing.reading.record import Raw
from rag.indexing.reading.refused import markup_kind, refusal

Reader = Callable[[Iterator[str]], Iterator[Raw]]
"""Reads the lines of a file, which keep their ends; a very long line comes in pieces."""

_JSON_NAMES = frozenset({".json", ".jsonl", ".ndjson"})
_TABLE_NAMES = frozenset({".csv", ".tsv", ".tab"})
_MAP = "name the columns with --map, for example --map abstract=COLUMN"
# Elements that occur within an abstract: a text may begin with one.
_INLINE = re.compile(
    r"\s*</?(?:\w+:)?(?:p|i|b|em|u|strong|italic|bold|span|sub|sup|inf|sec|title|div|h[1-6]|br|ul|ol|li|math|abstract|a)\b",
    re.IGNORECASE,
)
_XML = re.compile(
    r"[\ufeff\s]*<(?:\?xml\b|!DOCTYPE\b|!--|(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*(?:\s+[\w:.-]+\s*=|\s*/?>))"
)


def reader_of(head: str, suffix: str, mapping: Mapping[str, str] | None = None) -> Reader | str:
    """Return the reader of a text that begins with `head`, or the reason why it is not read.

    The ending of its name decides only where the text itself says nothing.
    """
    if has_separators(head):
        return read_separated
    if reason := markup_kind(head):
        return reason
    if _XML.match(head) and not _INLINE.match(head):
        return _xml_reader(head)
    if is_json(head) or suffix in _JSON_NAMES:
        return partial(read_json, head=head)
    if is_bibtex(head):
        return read_bibtex
    if is_pubmed_text(head):
        return read_pubmed_text
    if dialect := dialect_of(head):
        return partial(read_tagged, dialect=dialect)
    if table := table_of(head, mapping):
        if has_texts(table, mapping):
            return partial(read_table, table=table)
        return f"a table without a column of abstracts; {_MAP}"
    if suffix in _TABLE_NAMES:
        return f"a table without known column names in its first line; {_MAP}"
    return read_markdown if is_markdown(head, suffix) else read_paragraphs


def _xml_reader(head: str) -> Reader | str:
    if xml_records.declares_entities(head):
        return "XML that declares entities, which can be an attack; export it again"
    if xml_records.is_known_xml(head):
        return xml_records.read_xml
    name = xml_records.root_of(head)
    return refusal(f"XML of an unknown kind (<{name}>)", "export EndNote XML, PubMed XML, RIS or CSV")
