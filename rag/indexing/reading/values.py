"""Turn the raw value of a known field (text, list or object) into text, names, a year, keywords."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rag.text.cleaning import clean_text
from rag.text.language import HAN

_LABELS = ("label", "@label", "Label")
_TEXT_KEYS = (
    *("text", "#text", "$", "_", "value", "content", "name", "display_name", "displayName", "title", "full"),
    *("term", "tag", "keyword", "word", "description", "url", "URL", "href", "source", "journal", "en", "zh"),
)
_FAMILY = ("family", "last", "lastName", "last_name", "surname", "lastname", "familyName", "LastName")
_GIVEN = ("given", "first", "firstName", "first_name", "forename", "firstname", "givenName", "ForeName")
_FULL = (
    *("name", "fullName", "full_name", "display_name", "displayName", "raw_author_name", "literal", "author"),
    *("authorName", "author_name", "text", "value", "CollectiveName", "姓名"),
)
_OTHER_ROLES = re.compile("editor|translator|reviewer|series|sponsor|supervisor", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_WHOLE_DATE = re.compile(r"((?:19|20)\d\d)(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
_INITIALS = re.compile(r"(?:[A-Z]\.?[ -]?){1,4}")
_AND = re.compile(r"\s+(?:and|&)\s+|\s*\n\s*")
_ORDER_MARK = re.compile(r"\s*(?:\(\d[\d, ]*\)|\[\d[\d, ]*\]|[¹²³⁴-⁹]+|\*+|†|‡)+\s*$")
_NO_NAME = re.compile(r"(?:and )?(?:et\.? al|others)\.?|等", re.IGNORECASE)
_HAN_NAMES = re.compile(rf"[{HAN}·]{{2,}}(?:[\s,，、;；]+[{HAN}·]{{2,}})+")
_KEYWORD_ENDS = re.compile(r"[;；|\n]+")
_KEYWORD_COMMAS = re.compile(r"[,，、]+")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_DEEPEST = 8  # objects within objects of a value; deeper ones are not read
_MOST_WORDS = 200_000  # places of an inverted abstract; more is a damaged one


def text_of(value: object, depth: int = 0) -> str:
    """Return a raw value as text: of a list its items, of an object its label and text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or depth > _DEEPEST:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "\n".join(part for item in value if (part := text_of(item, depth + 1).strip()))
    if isinstance(value, Mapping):
        if inverted := _straightened(value):
            return inverted
        text = next((part for key in _TEXT_KEYS if (part := text_of(value.get(key), depth + 1))), "")
        label = next((str(value[key]) for key in _LABELS if isinstance(value.get(key), str)), "")
        return f"{label}: {text}" if label and text else text
    return ""


def one_line(value: object) -> str | None:
    """Return the first text of a value, cleaned: of a list of titles the first."""
    if isinstance(value, list):
        return next((text for item in value if (text := one_line(item))), None)
    return clean_text(text_of(value)) or None


def names_of(value: object) -> tuple[str, ...]:
    """Return the names of authors from a string, a list of strings or a list of objects."""
    if isinstance(value, Mapping):
        value = value.get("author") or value.get("authors") or value.get("name") or [value]
    if isinstance(value, str):
        items: list[object] = list(_split_names(value))
    else:
        items = value if isinstance(value, list) else []
    cleaned = (_ORDER_MARK.sub("", clean_text(name)).strip(" ,;") for name in map(_name, items) if name)
    names = (
        name for name in cleaned if any(char.isalpha() for char in name) and not _NO_NAME.fullmatch(name)
    )
    return tuple(dict.fromkeys(names))


def year_of(value: object) -> int | None:
    """Return the first year in a date, in any form that services give it."""
    if isinstance(value, Mapping):
        inner = next(
            (value[key] for key in ("date-parts", "date_parts", "year", "created") if key in value), None
        )
        return year_of(inner if inner is not None else text_of(value))
    if isinstance(value, list):
        return next((year for item in value if (year := year_of(item))), None)
    text = text_of(value)
    if whole := _WHOLE_DATE.fullmatch(text.strip()):
        return int(whole[1])
    found = _YEAR.search(text)
    return int(found[0]) if found else None


def keywords_of(value: object) -> tuple[str, ...]:
    """Return keywords from a string or a list of strings or objects."""
    items = [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]
    ends = _KEYWORD_ENDS if len(items) > 1 or _KEYWORD_ENDS.search("".join(items)) else _KEYWORD_COMMAS
    words = (clean_text(word).strip(" .*。") for item in items for word in ends.split(item))
    return tuple(dict.fromkeys(word for word in words if word))


def address_of(value: object) -> str | None:
    """Return the first web address in a value, or None."""
    text = text_of(value)
    found = _ADDRESS.search(text)
    return found[0] if found else clean_text(text) or None


def _straightened(index: Mapping[str, Any]) -> str:
    """Return the text of an inverted abstract ({"word": [0, 5]}), or "" if it is none."""
    if not index or not all(isinstance(places, list) and places for places in index.values()):
        return ""
    words = [(place, word) for word, places in index.items() for place in places if isinstance(place, int)]
    if not words or len(words) > _MOST_WORDS or len(words) < sum(map(len, index.values())):
        return ""
    return " ".join(word for _, word in sorted(words))


def _name(item: object) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, list):  # arXiv's [["Doe", "Jane", ""]]
        parts = [part.strip() for part in item if isinstance(part, str) and part.strip()]
        return f"{parts[0]}, {' '.join(parts[1:])}" if len(parts) > 1 else "".join(parts)
    if not isinstance(item, Mapping) or _OTHER_ROLES.search(
        str(item.get("creatorType") or item.get("role") or "")
    ):
        return ""
    family, given = (
        next((str(item[key]) for key in keys if isinstance(item.get(key), str) and item[key].strip()), "")
        for keys in (_FAMILY, _GIVEN)
    )
    if family:
        return family + given if _is_han(family) and _is_han(given) else f"{given} {family}".strip()
    return next((name for key in _FULL if item.get(key) and (name := _name(item[key]))), "")


def _is_han(name: str) -> bool:
    return re.fullmatch(rf"[{HAN}·]*", name) is not None


def _split_names(value: str) -> Iterator[str]:
    """Split "A; B", "Li, X. and Wu, Y.", "A. Lee, B. Wu and C" or "张三，李四" into names."""
    if re.search("[;；]", value):
        yield from re.split("[;；]", value)
        return
    if _HAN_NAMES.fullmatch(value.strip()):
        yield from re.split(r"[\s,，、]+", value.strip())
        return
    joined = _AND.split(value)
    if len(joined) > 1 and all(name.count(",") == 1 for name in joined if name.strip() != "others"):
        yield from (name for name in joined if name.strip() != "others")
        return
    names: list[str] = []
    for part in (part.strip() for name in joined for part in re.split("[,，、]", name)):
        if names and _INITIALS.fullmatch(part):
            names[-1] += f", {part}"
        else:
            names.append(part)
    if len(names) == 2 and len(joined) == 1 and " " not in names[0].strip():  # "Doe, Jane"
        names = [", ".join(names)]
    yield from names
