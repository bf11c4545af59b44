"""Find the values in a question that a library knows, or that stand where such a value must stand.

Authors, years, venues, titles and identifiers are each replaced by one character, so that the rest of the
question is made of few words (`rag.answering.collection.field_words`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rag.answering.collection.field_words import AUTHOR, QUOTED, TITLE, VENUE, WORD, YEARS
from rag.answering.collection.library import Library
from rag.answering.collection.names import is_han_name
from rag.answering.collection.years import Span, find_years, spelled_years
from rag.text.language import HAN

# Words of the longest venue and of the longest name that are looked up.
_VENUE_WORDS, _NAME_WORDS = 12, 5
_QUOTES = re.compile(
    r"[\"“”„]([^\"“”„]{2,300})[\"“”]|《([^《》]{2,200})》|「([^「」]{2,200})」|(?<!\w)['‘]([^'‘’]{6,300})['’](?!\w)"
)
_VENUE_AROUND = (
    re.compile(r"(?:发表|刊登|刊载|刊|登|收录)?(?:在|于)$"),
    re.compile(r"上|期刊|杂志|学报|会议|(?:发表|刊登)的|[里中]?的(?:论文|文章|文献)"),
)
_LETTER = rf"(?:(?![{HAN}_\d])[\w'’‐‑-])"
_CAPITAL = rf"[A-ZÀ-ÖØ-Þ]{_LETTER}*\.?"
_PARTICLE = r"(?:van|von|der|den|de|del|della|da|di|dos|du|la|le|bin|al|el)"
_CAPITALS = re.compile(
    rf"(?:{_PARTICLE} )*{_CAPITAL}(?: (?:{_PARTICLE} )*{_CAPITAL}){{0,4}}(?:, {_CAPITAL}(?: [A-Z]\.?)*(?=\W*(?:$|\?|in |on |about |since |from |and )))?"
)
_WORDS = re.compile(r"[^\W\d_]+(?:['’.‐‑-]+[^\W\d_]+)*\.?")
_ET_AL = r"(?:,? et al\b\.?(?:'s|’s)?|等人?| and (?:colleagues|co-?workers|others))?"
# Where an author stands. After these words a name may be unknown to the library; anywhere else it is known.
_BY = re.compile(
    r"\b(?:(?:written|authored|published|papers?|articles?|stud(?:y|ies)|works?|publications?|anything|something|done|one|stuff|research|abstracts?) by|authors?(?:ed)?(?: by| named| called| is| was|:)?|by (?:the )?(?:authors?|prof(?:essor)?\.?|dr\.?)|by)\s+(?:prof(?:essor)?\.?\s+|dr\.?\s+)?",
    re.I,
)
_DID = re.compile(r"\b(?:did|has|have|does|had)\s+(?:prof(?:essor)?\.?\s+|dr\.?\s+)?", re.I)
_AFTER_DID = re.compile(
    rf"{_ET_AL}(?: (?:ever|also|already|recently))* (?:writ|wrote|publish|(?:co-?)?author|work|stud|done|do\b|research|investigat|appear|contribut|produc)",
    re.I,
)
_VERB_AFTER = re.compile(
    rf"{_ET_AL}(?: (?:has|have|had))? (?:wrote|written|published|(?:co-?)?authored|(?:has |have )?worked on)\b",
    re.I,
)
_JOINT = re.compile(r"(?:,? (?:and|&|or)|,|;|和|与|跟|、|及|或) ?")
_HAN_FOLLOWS = re.compile(
    rf"等|教授|博士|老师|院士|的|在|于|写|撰|著|发|出|有|和|与|跟|及|或|、|，|,|都|一共|总|曾|合|近|最|研究|做|是|关于|\d|\s|[?？。!]|$|[{YEARS}{VENUE}{AUTHOR}]|以|名|参|自|这|哪|还|没|到|从"
)
_HAN_BEFORE = re.compile(r"(?:关于|有关|涉及|围绕|针对)$")
_HAN_WRITES = re.compile(
    rf"(?<![{HAN}A-Za-z])(?:请?(?:列出|查找|[找查]一下|[找查]|显示)|请问|作者(?:是|为|叫|：|:)?|由|给我)?(?P<name>[{HAN}]{{2,4}}?|{_CAPITAL}(?: {_CAPITAL})*)(?P<after>\s?(?:等人?|教授|博士|老师|院士|他们)?(?:在|于|{YEARS}|{VENUE}|[年上里]|一共|总共|共|都|曾经?|最近|是否|有没有|还|到底|究竟)*(?:写|发表|撰写|出版|著有|合写|合著|有(?:哪些|几篇|多少|什么)(?:论文|文章|文献|著作)))"
)
_HAN_AUTHOR = re.compile(
    rf"作者(?:是|为|叫|名叫|：|:|名为)\s?(?P<name>[{HAN}]{{2,4}}?|{_CAPITAL}(?: {_CAPITAL})*)(?=的|$|[\s,，?？]|有)"
)
_PEOPLE = re.compile(
    "学者|作者|专家|我们|你们|他们|她们|人们|大家|有人|谁|哪|什么|研究|科学|中国|美国|国内|国外|论文|文章|摘要|一共|总共|最近|今年|去年"
)


@dataclass(frozen=True, slots=True)
class Values:
    """A question whose values are replaced by characters, and the values."""

    text: str
    authors: tuple[str, ...] = ()
    any_author: bool = False
    years: tuple[Span, ...] = ()
    venue: str | None = None
    works: tuple[int, ...] | None = None
    quoted: str | None = None
    spans: tuple[tuple[int, int], ...] = field(default=(), repr=False)


def find_values(question: str, library: Library, this_year: int) -> Values:
    """Replace what a question says of authors, years, venue and title by characters.

    Args:
        question: in Simplified characters and NFKC.
        library: what is known.
        this_year: what "last year" counts from.
    """
    values = _titles(Values(spelled_years(question)), library)
    values = _years(values, this_year)
    values = _venue(values, library)
    return _authors(values, library)


def _put(values: Values, start: int, end: int, mark: str) -> Values:
    return replace(values, text=values.text[:start] + mark + values.text[end:])


def _titles(values: Values, library: Library) -> Values:
    text = values.text
    if found := library.find_identifier(text):
        start, end, works = found
        prefix = re.search(
            r"(?:https?://(?:dx\.)?(?:doi|arxiv)\.org/(?:abs/)?|(?:arxiv|doi|pmid)[: ]*)$", text[:start], re.I
        )
        start = prefix.start() if prefix else start
        return replace(_put(values, start, end, TITLE), works=tuple(works))
    for match in _QUOTES.finditer(text):
        inner = next(filter(None, match.groups()))
        if works := library.titled(inner):
            return replace(_put(values, *match.span(), TITLE), works=tuple(works))
    if title := library.find_title(text):
        start, end, works = title
        start -= text[max(0, start - 1) : start] in tuple("\"“'《‘")
        end += text[end : end + 1] in tuple("\"”'》’")
        return replace(_put(values, start, end, TITLE), works=tuple(works))
    for match in _QUOTES.finditer(text):
        inner = next(filter(None, match.groups()))
        before, after = text[: match.start()], text[match.end() :]
        around = _VENUE_AROUND[0].search(before) or _VENUE_AROUND[1].match(after)
        if library.in_venue(inner) or (match[2] and around):
            return replace(_put(values, *match.span(), VENUE), venue=inner)
        return replace(_put(values, *match.span(), QUOTED), quoted=inner)
    return values


def _years(values: Values, this_year: int) -> Values:
    """Replace every mention of years; a year must lie in each of two mentions (since 2015 and before 2018)."""
    while found := find_years(values.text, this_year):
        spans = found.spans
        if values.years:
            pairs = [(a, b) for a in values.years for b in spans]
            spans = tuple((max(a[0], b[0]), min(a[1], b[1])) for a, b in pairs) or spans
        values = replace(_put(values, found.start, found.end, YEARS), years=spans)
    return replace(values, text=re.sub(rf"{YEARS}(?:\W*(?:and|和)?\W*{YEARS})+", YEARS, values.text))


_VENUE_LEAD = re.compile(
    r"\b(?:in|from|at|by|of|for)\s+(?:the\s+)?(?:(?:journal|conference|proceedings|magazine)(?:\s+of)?\s+)?|《?",
    re.I,
)
_NAMED_VENUE = re.compile(r"\b(?:in|by|from) the (?:journal|conference|magazine)(?: called| named)? (?!of\b)([A-Z][\w&.-]*(?: (?:[A-Z&][\w&.-]*|of|and|the|in|for|on))*)|\bpublished in (?!English|Chinese|January|February|March|April|May|June|July|August|September|October|November|December)(?:the )?([A-Z][\w&.-]*(?: (?:[A-Z&][\w&.-]*|of|and|the|in|for|on)(?= ))*(?: [A-Z][\w&.-]*)?)|(?:in|from|by) (?:the )?((?:Journal|Proceedings|Transactions|Annals|Archives|Advances) (?:of|in|on) [A-Z][\w&.-]*(?: (?:[A-Z&][\w&.-]*|of|and|the|in|for|on))*)")  # fmt: skip
_HAN_VENUE = re.compile(
    rf"(?:发表|刊登|刊载|刊)[在于](?P<name>(?!哪|什么|某)[{HAN}]{{2,14}}(?:学报|杂志|通报|期刊|科学|会议|进展|研究|大学学报))(?=上|的|[，,?？\s]|$)"
)


def _venue(values: Values, library: Library) -> Values:
    if values.venue:
        return values
    text = values.text
    for lead in re.finditer(r"\b(?:in|from|at|by|of|for)\s+(?:the\s+)?", text, re.I):
        if found := _known_venue(text, lead.end(), library):
            return replace(_put(values, lead.end(), found, VENUE), venue=text[lead.end() : found].strip())
    for key in sorted(library.han_venues, key=len, reverse=True):
        place = text.find(key)
        if place >= 0 and not _HAN_BEFORE.search(text[:place]):
            return replace(_put(values, place, place + len(key), VENUE), venue=key)
    for pattern in (_NAMED_VENUE, _HAN_VENUE):
        if match := pattern.search(text):
            group = next(i for i, part in enumerate(match.groups(), 1) if part)
            return replace(_put(values, *match.span(group), VENUE), venue=match[group])
    return values


def _known_venue(text: str, start: int, library: Library) -> int | None:
    """Return the end of the longest known venue that begins at `start`."""
    words = list(re.finditer(r"[^\s,;?？。!]+", text[start:]))[:_VENUE_WORDS]
    for word in reversed(words):
        name = text[start : start + word.end()]
        if library.is_venue(name.rstrip(".")) and (
            name[0].isupper() or len(name.split()) > 1 or _is_last(text, start, name)
        ):
            return start + word.end()
    return None


def _is_last(text: str, start: int, name: str) -> bool:
    """Return whether a lower-case name of one word follows "papers in": then it is no part of a topic."""
    return (
        re.search(
            r"(?:papers?|articles?|studies|published|appeared) (?:in|from|by|of) (?:the )?$",
            text[:start],
            re.I,
        )
        is not None
    )


def _authors(values: Values, library: Library) -> Values:
    values = _latin_authors(values, library)
    if re.search(f"[{HAN}]", values.text):
        values = _han_authors(values, library)
    return replace(values, text=re.sub(rf"{AUTHOR}(?:{_JOINT.pattern}{AUTHOR})+", AUTHOR, values.text))


def _latin_authors(values: Values, library: Library) -> Values:
    text = values.text
    for lead in _BY.finditer(text):
        if found := _names_at(text, lead.end(), library, unknown=True):
            return _with_authors(values, lead.end(), found)
    for lead in _DID.finditer(text):
        found = _names_at(text, lead.end(), library, unknown=True)
        if found and _AFTER_DID.match(text, found[0]):
            return _with_authors(values, lead.end(), found)
    for start in (match.start() for match in _WORDS.finditer(text)):
        found = _names_at(text, start, library, unknown=text[start].isupper())
        if not found:
            continue
        end, names, _ = found
        known = all(library.authors.knows(name) for name in names)
        verb = _VERB_AFTER.match(text, end) and (known or not WORD.fullmatch(text[start:end]))
        if verb or (known and _stands_as_author(text, start, end, names)):
            return _with_authors(values, start, found)
    return values


def _stands_as_author(text: str, start: int, end: int, names: Sequence[str]) -> bool:
    """Return whether a known name stands where an author does: in full, with "et al.", "'s" or a year."""
    if len(names) > 1 or len(names[0].replace(",", " ").split()) > 1:
        return True
    if not text[start].isupper():
        return False
    before = re.search(r"(?:\b(?:from|of|with|is|who is|about|papers?)|^|[，,的由找]) ?$", text[:start], re.I)
    after = re.match(
        rf"(?:,? et al\b|['’]s\b|s['’]| ?[(（]?{YEARS}|等人|的|写|发表| (?:papers?|publications?|articles?)\b|\W*$)",
        text[end:],
        re.I,
    )
    return bool(after or (before and re.match(r"\W*$| (?:in|on|about|since|from)\b", text[end:])))


Found = tuple[int, list[str], bool]


def _with_authors(values: Values, start: int, found: Found) -> Values:
    end, names, any_author = found
    if more := re.compile(_ET_AL).match(values.text, end):
        end = more.end()
    authors = (*values.authors, *names)
    return replace(_put(values, start, end, AUTHOR), authors=authors, any_author=any_author)


def _names_at(text: str, start: int, library: Library, *, unknown: bool) -> Found | None:
    """Return the end of the names that begin at `start`, the names, and whether one of them is enough."""
    names: list[str] = []
    end, any_author = start, False
    position = start
    while one := _name_at(text, position, library, unknown=unknown and not names):
        end = one
        names.append(text[position:end].strip(" ,"))
        joint = _JOINT.match(text, end)
        if not joint:
            break
        any_author |= joint[0].strip(" ,") in ("or", "或")
        position = joint.end()
    return (end, names, any_author) if names else None


def _name_at(text: str, start: int, library: Library, *, unknown: bool) -> int | None:
    """Return the end of the longest known name at `start`, else of a name by its capitals."""
    words = list(re.finditer(r"[^\s?？!;:()（）]+", text[start:]))[:_NAME_WORDS]
    for word in reversed(words):
        name = text[start : start + word.end()].rstrip(",'’").removesuffix("..")
        name = re.sub(r"['’]s$", "", name)
        if (
            re.fullmatch(rf"[^\d{YEARS}{VENUE}{TITLE}{QUOTED}{HAN}]+", name)
            and not WORD.fullmatch(name)
            and library.authors.knows(name)
        ):
            return start + len(name)
    if unknown and (match := _CAPITALS.match(text, start)):
        name = re.sub(r"['’]s$", "", match[0].rstrip("."))
        return start + len(name) if not WORD.fullmatch(name) else None
    return None


def _han_authors(values: Values, library: Library) -> Values:
    text, known = values.text, library.authors.han
    position = 0
    names: list[str] = []
    while position < len(text):
        length = next((n for n in (4, 3, 2) if text[position : position + n] in known), 0)
        if length and _HAN_FOLLOWS.match(text, position + length) and not _HAN_BEFORE.search(text[:position]):
            names.append(text[position : position + length])
            text = text[:position] + AUTHOR + text[position + length :]
        position += 1
    if names:
        any_author = "或" in re.sub(rf"[^{AUTHOR}或]", "", text)
        return replace(values, text=text, authors=(*values.authors, *names), any_author=any_author)
    for pattern in (_HAN_AUTHOR, _HAN_WRITES):
        match = pattern.search(text)
        if match and not _PEOPLE.search(match["name"]) and _may_be_name(match["name"], library):
            values = _put(values, *match.span("name"), AUTHOR)
            return replace(values, authors=(*values.authors, match["name"]))
    return values


def _may_be_name(name: str, library: Library) -> bool:
    return name[0].isascii() or is_han_name(name)
