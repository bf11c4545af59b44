"""Read EndNote, PubMed, Atom and Dublin Core XML record by record; a malformed one costs only itself."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from rag.indexing.reading.record import MOST_RECORD, Raw, Record, Unread, blocks

Fields = dict[str, Any]

# Elements that are one record, by the root that holds them.
_RECORDS = ("PubmedArticle", "PubmedBookArticle", "record", "entry", "article", "result", "doc")
_ROOT = re.compile(r"<(?![?!])(?:[\w.-]+:)?([\w.-]+)")
_FIRST = re.compile(rf"<(?:[\w.-]+:)?({'|'.join(_RECORDS)})(?=[\s>])")
# What XML forbids, some of which EndNote writes.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_LINE_BREAKS = re.compile("[\x0b\x0c\x1c-\x1f]+")
_FORBIDDEN_REFERENCE = re.compile(
    r"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2\d|3[01]));", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)(\w{1,31};)?")
_DECLARED = re.compile(r"<!ENTITY\s", re.IGNORECASE)
_PREFIXED = re.compile(r"(?<=[<\s/])([A-Za-z_][\w.-]*):(?=[A-Za-z_])")
_LONGEST_TAG = 80  # characters of the name of an element that may be cut at the end of a block
_FACES = {"superscript": "sup", "subscript": "sub"}


def read_xml(lines: Iterable[str]) -> Iterator[Raw]:
    """Yield the records of an XML file of a known kind, each parsed by itself."""
    position = 0
    for text in _elements(lines):
        position += 1
        if text is None:
            yield Unread(position, f"longer than {MOST_RECORD:,} characters, or its end is missing")
            continue
        try:
            record = parsed(text)
        except (ParseError, ValueError, RecursionError) as error:
            yield Unread(position, f"malformed XML: {error}")
        else:
            yield Record(position, fields_of(record))


def is_known_xml(head: str) -> bool:
    """Return whether XML that begins with `head` holds records of a known kind."""
    found = _FIRST.search(head)
    if found is None:
        return False
    marks = {
        "record": r"<(?:titles|contributors|ref-type|rec-number|abstract)\b|<(?:\w+:)?(?:dc|metadata)\b",
        "entry": r"<(?:summary|published|author|content)\b",
        "article": r"<(?:front|article-meta|abstract)\b",
        "result": r"<(?:abstractText|authorString)\b",
        "doc": r"<(?:str|arr|abstract)\b",
    }
    return found[1] not in marks or re.search(marks[found[1]], head) is not None


def root_of(head: str) -> str:
    """Return the name of the first element."""
    found = _ROOT.search(re.sub(r"<!--.*?-->|<\?.*?\?>", "", head, flags=re.DOTALL))
    return found[1] if found else ""


def declares_entities(head: str) -> bool:
    """Return whether XML declares entities of its own, which can be an attack."""
    return _DECLARED.search(head) is not None


def parsed(text: str) -> Element:
    """Return one element of XML without namespaces; HTML's entities are known, bad characters left out."""
    from defusedxml.ElementTree import fromstring

    text = _FORBIDDEN_REFERENCE.sub(" ", _FORBIDDEN.sub("", _LINE_BREAKS.sub(" ", text)))
    element: Element = fromstring(_ENTITY.sub(_character, _without_prefixes(text)))
    return element


def fields_of(record: Element) -> Fields:
    """Return the known fields of a record in EndNote, PubMed, Atom, JATS or Dublin Core XML."""
    if record.tag.startswith("Pubmed"):
        return _pubmed(record)
    if record.find("titles") is not None or record.find("contributors") is not None:
        return endnote(record)
    return _by_tag(record)


def endnote(record: Element) -> Fields:
    """Return the fields of an EndNote record: strings, and `authors` as a list; missing fields are ""."""
    paths = {
        **{
            "title": "titles/title",
            "abstract": "abstract",
            "year": "dates/year",
            "venue": "periodical/full-title",
        },
        **{"doi": "electronic-resource-num", "url": "urls/related-urls/url", "caption": "caption"},
    }
    fields: Fields = {name: marked_text(record.find(path)) for name, path in paths.items()}
    fields["venue"] = fields["venue"] or marked_text(record.find("titles/secondary-title"))
    fields["year"] = fields["year"] or marked_text(record.find("dates/pub-dates/date"))
    fields["authors"] = [marked_text(author) for author in record.findall("contributors/authors/author")]
    fields["keywords"] = [marked_text(word) for word in record.findall("keywords/keyword")]
    origin = marked_text(record.find("remote-database-provider")) + marked_text(record.find("database"))
    if re.search("nlm|pubmed|medline", origin, re.IGNORECASE):
        fields["pmid"] = marked_text(record.find("accession-num"))
    return fields


def marked_text(element: Element | None) -> str:
    """Return the text of an element; what is raised or lowered within it is marked as in HTML."""
    if element is None:
        return ""
    parts = [element.text or ""]
    for child in element:
        tag = _FACES.get(child.get("face", ""), child.tag if child.tag != "style" else "")
        inner = marked_text(child)
        parts += [f"<{tag}>{inner}</{tag}>" if tag and inner else inner, child.tail or ""]
    return "".join(parts).strip() if element.tag not in ("style", *_FACES.values()) else "".join(parts)


def _elements(lines: Iterable[str]) -> Iterator[str | None]:
    """Yield the text of each record's element, or None for one that is too long or has no end."""
    held, name, seen = "", "", 0
    for block in blocks(lines):
        held += block
        while True:
            if not name:
                found = _FIRST.search(held)
                if found is None:
                    held = held[-_LONGEST_TAG:]
                    break
                name, held, seen = found[0][1:], held[found.start() :], 1
            end, again = held.find(f"</{name}>", seen), held.find(f"<{name}>", seen)
            if end >= 0 and (again < 0 or end < again):
                yield held[: (close := end + len(name) + 3)]
                held, name = held[close:], ""
            elif again >= 0 or len(held) > MOST_RECORD:  # its end is missing, or there is none in sight
                yield None
                held, name = held[again:] if again >= 0 else "", ""
            else:
                seen = max(1, len(held) - _LONGEST_TAG)
                break
    if name:
        yield None


def _without_prefixes(text: str) -> str:
    return re.sub(
        r"<[^<>]*>",
        lambda tag: _PREFIXED.sub("", re.sub(r"\sxmlns(?::\w+)?=(?:\"[^\"]*\"|'[^']*')", "", tag[0])),
        text,
    )


def _character(match: re.Match[str]) -> str:
    named = html.unescape(match[0]) if match[1] else match[0]
    return named if match[1] and named != match[0] else f"&amp;{match[1] or ''}"


def _pubmed(record: Element) -> Fields:
    article = record.find(".//Article") if record.find(".//Article") is not None else record
    assert article is not None
    sections = record.findall(".//Abstract/AbstractText")
    other = record.findall(".//OtherAbstract/AbstractText")
    ids = {item.get("IdType", ""): marked_text(item) for item in record.findall(".//ArticleIdList/ArticleId")}
    return {
        "abstract": _sections(sections),
        "abstract_zh": _sections(other),
        "title": marked_text(article.find(".//ArticleTitle")) or marked_text(article.find(".//BookTitle")),
        "authors": [_pubmed_name(author) for author in article.findall(".//AuthorList/Author")],
        "year": _pubmed_year(record),
        "venue": marked_text(article.find(".//Journal/Title")) or marked_text(record.find(".//MedlineTA")),
        "doi": ids.get("doi") or marked_text(article.find(".//ELocationID[@EIdType='doi']")),
        "pmid": marked_text(record.find(".//PMID")) or ids.get("pubmed", ""),
        "keywords": [marked_text(word) for word in record.findall(".//KeywordList/Keyword")],
    }


def _sections(sections: list[Element]) -> str:
    texts = []
    for section in sections:
        label, text = section.get("Label", ""), marked_text(section)
        texts.append(f"{label}: {text}" if label and label.upper() != "UNLABELLED" and text else text)
    return "\n".join(text for text in texts if text)


def _pubmed_name(author: Element) -> str:
    family, given = marked_text(author.find("LastName")), marked_text(author.find("ForeName"))
    given = given or marked_text(author.find("Initials"))
    return f"{family}, {given}" if family and given else family or marked_text(author.find("CollectiveName"))


def _pubmed_year(record: Element) -> str:
    paths = (".//PubDate/Year", ".//PubDate/MedlineDate", ".//ArticleDate/Year", ".//ContributionDate/Year")
    return next((text for path in paths if (text := marked_text(record.find(path)))), "")


def _full_name(item: Element) -> str:
    family, given = marked_text(item.find("surname")), marked_text(item.find("given-names"))
    return f"{family}, {given}" if family and given else "".join(item.itertext()).strip()


# Known fields by the names of elements in Atom, Dublin Core, JATS and Europe PMC.
_BY_TAG = {
    "abstract": ("abstract", "summary", "abstractText", "description"),
    "title": ("article-title", "title"),
    "authors": ("author", "creator", "authorString"),
    "year": ("published", "pubYear", "date", "year", "datestamp"),
    "doi": ("doi", "identifier", "article-id"),
    "url": ("id", "identifier", "link"),
    "venue": ("journal-title", "journalTitle", "source", "journal_ref"),
    "keywords": ("kwd", "subject", "keyword"),
    "pmid": ("pmid",),
}


def _by_tag(record: Element) -> Fields:
    fields: Fields = {}
    for name, tags in _BY_TAG.items():
        texts = [text for tag in tags for item in record.iter(tag) if (text := marked_text(item))]
        if texts:
            fields[name] = (
                texts if name in ("authors", "keywords") else "\n".join(texts) if name == "doi" else texts[0]
            )
    names = [name for item in record.iter("name") if (name := _full_name(item))]
    return fields | ({"authors": names} if names else {})
