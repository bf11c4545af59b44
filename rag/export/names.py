"""Split the names of authors as reference managers want them; what cannot be split stays whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.text.language import HAN

_HAN = re.compile(f"[{HAN}]")
_SPECIAL = re.compile(r"[\\{}$&%#_^~]")  # of TeX, in which names have no parts that could be told
# "Smith JA", as PubMed writes a name: capitals without points after a family name.
_INITIALS_LAST = re.compile(r"(?P<family>[^,]*[^\W\d_A-Z][^,]*) (?P<given>[A-Z]{1,3})")
# Names of groups have no parts. False hits keep a name whole, which every style prints as it is.
_GROUP = re.compile(
    r"\b(?:collaboration|committee|consortium|group|initiative|institute|investigators|network|organi[sz]ation|"
    r"society|team|university|working party)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 5  # words without a comma; a longer name is taken for that of a group


@dataclass(frozen=True, slots=True)
class Name:
    """A name in parts; one that has none (Chinese, a group) is `family` alone and `whole`."""

    family: str
    given: str = ""
    particle: str = ""
    suffix: str = ""
    whole: bool = False


def name_of(text: str) -> Name:
    """Return the parts of one author's name as a record writes it."""
    from bibtexparser.middlewares.names import InvalidNameError, parse_single_name_into_parts

    text = " ".join(text.split())
    if _is_whole(text):
        return Name(text, whole=True)
    if found := _INITIALS_LAST.fullmatch(text):
        text = f"{found['family']}, {found['given']}"
    try:
        parts = parse_single_name_into_parts(text)
    except InvalidNameError:
        return Name(text, whole=True)
    family, given, particle, suffix = (
        " ".join(part) for part in (parts.last, parts.first, parts.von, parts.jr)
    )
    return Name(family, given, particle, suffix) if family else Name(text, whole=True)


def _is_whole(text: str) -> bool:
    odd = _HAN.search(text) or _SPECIAL.search(text)
    return bool(odd or _GROUP.search(text) or ("," not in text and len(text.split()) > _MOST_WORDS))
