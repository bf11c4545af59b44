"""The formats of tagged lines: how a line is tagged, where a record begins, and what the tags mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rag.indexing.reading.fields import known_name

_REFWORKS_TAG = (
    r"(RT|SR|ID|A[1-6D]|T[1-3]|J[FO]|YR|FD|[Vv][Oo]|[Ii][Ss]|[Oo][PpL]|SP|K[12]|AB|S[NF]|CN|LA|D[SOB]|LK|NO|"
    r"ED|P[BP]|U[LR1-5]|AV|RD|C[1-5])"
)
_LABEL = (
    r"[#*【\[]{0,3}\s{0,3}([^\W\d_][^\W_]{0,20}(?:[ -][^\W_]{1,20}){0,2})\s{0,3}[】\]*]{0,3}\s{0,3}[:：]"
    r"\**[ \t　]*(.*)"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one format writes a record.

    `line` takes a line apart into tag and value. `fields` gives the tags of each known field, the best first;
    a dialect without them has the names of `rag.indexing.reading.fields` as tags. A record begins with
    the tag `begin`, by default the first tag of the file, and `outside` are the tags between records. Each
    line that continues a field of `by_line` is one more value.
    """

    name: str
    line: re.Pattern[str]
    fields: Mapping[str, str] = field(default_factory=dict)
    begin: str | None = None
    end: str | None = None
    outside: frozenset[str] = frozenset()
    by_line: frozenset[str] = frozenset()

    def field_of(self, tag: str) -> str | None:
        """Return the known field that a tag gives, or None."""
        if not self.fields:
            return known_name(tag)
        return next((name for name, tags in self.fields.items() if tag in tags.split()), None)

    def rank(self, tag: str) -> int:
        """Return the place of a tag among those of its field; 0 is the best."""
        tags = self.fields.get(self.field_of(tag) or "", "").split()
        return tags.index(tag) if tag in tags else 0

    def split(self, line: str) -> tuple[str | None, str]:
        """Return the tag of a line and its value, or None and the line."""
        found = self.line.match(line)
        if found is None or (not self.fields and known_name(found[1]) is None):
            return None, line
        return found[1].replace(" ", "_"), found[2] or ""


_RIS = {
    "abstract": "AB N2",
    "title": "TI T1",
    "authors": "AU A1",
    "year": "PY Y1 DA",
    "venue": "T2 JO JF JA BT J2",
    "doi": "DO",
    "url": "UR L1",
    "keywords": "KW",
    "id": "ID AN",
}
_MEDLINE = {
    "abstract": "AB",
    "abstract_zh": "OAB",
    "title": "TI BTI",
    "authors": "FAU AU CN",
    "year": "DP DEP SO",
    "venue": "JT TA",
    "doi": "LID AID",
    "pmid": "PMID",
    "keywords": "OT",
}
_WOS = {
    "abstract": "AB",
    "title": "TI",
    "authors": "AF AU",
    "year": "PY EA",
    "venue": "SO CT",
    "doi": "DI",
    "pmid": "PM",
    "keywords": "DE",
}
_REFER = {
    "abstract": "%X",
    "title": "%T",
    "authors": "%A",
    "year": "%D %8",
    "venue": "%J %B",
    "doi": "%R",
    "url": "%U",
    "keywords": "%K",
}
_REFWORKS = {
    "abstract": "AB",
    "title": "T1",
    "authors": "A1",
    "year": "YR FD",
    "venue": "JF JO T2",
    "doi": "DO",
    "url": "LK UL",
    "keywords": "K1",
}
_NOTEEXPRESS = {
    "abstract": "Abstract",
    "abstract_en": "Translated_Abstract",
    "title": "Title",
    "title_en": "Translated_Title",
    "authors": "Author",
    "year": "Year Date",
    "venue": "Journal Secondary_Title Tertiary_Title",
    "doi": "DOI",
    "url": "URL",
    "keywords": "Keywords",
}
_CNKI = {
    "abstract": "Summary",
    "abstract_en": "EnglishSummary",
    "title": "Title",
    "title_en": "EnglishTitle",
    "authors": "Author",
    "year": "PubTime Year",
    "venue": "Source",
    "doi": "DOI",
    "url": "URL Link",
    "keywords": "Keyword",
}

DIALECTS = (
    Dialect("RIS", re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: (.*)|$)"), _RIS, "TY", "ER"),
    Dialect("MEDLINE", re.compile(r"(?=.{4}- )([A-Z]{2,4}) {0,2}- (.*)"), _MEDLINE, "PMID"),
    Dialect(
        name="Web of Science",
        line=re.compile(r"([A-Z][A-Z0-9])(?: (.*)|$)"),
        fields=_WOS,
        begin="PT",
        end="ER",
        outside=frozenset({"FN", "VR", "EF"}),
        by_line=frozenset({"authors"}),
    ),
    Dialect("EndNote", re.compile(r"(%[0-9A-Z@!#$&+~^>*()\[\]?|])(?: (.*)|$)"), _REFER, "%0"),
    Dialect("RefWorks", re.compile(rf"{_REFWORKS_TAG}(?: (.*)|$)"), _REFWORKS, "RT"),
    Dialect("NoteExpress", re.compile(r"\{([A-Z][\w /()-]{1,40})\}: ?(.*)"), _NOTEEXPRESS, "Reference_Type"),
    Dialect("CNKI", re.compile(r"([A-Z][A-Za-z]{1,20})-[^\W\d_]{1,8}[:：] ?(.*)"), _CNKI),
    Dialect("labelled text", re.compile(_LABEL)),
)
