"""A query on the records of a library, as the language model writes it: its JSON, and the grammar of that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rag.answering.fields.values import Values

# Fields of a record that a query may show or count by, and those that may be empty.
SHOWN = ("papers", "authors", "year", "venue", "doi", "arxiv", "pmid", "link", "keywords", "other")
COUNTED_BY = ("author", "year", "venue")
MISSING = ("authors", "year", "venue", "doi", "keywords")
ORDERS = ("newest", "oldest")


@dataclass(frozen=True, slots=True)
class Query:
    """What the model read; see `QUERY_SYSTEM` for the keys."""

    show: tuple[str, ...]
    by: tuple[str, ...] = ()
    not_by: tuple[str, ...] = ()
    any: bool = False
    about: str | None = None
    not_about: str | None = None
    venue: str | None = None
    order: str | None = None
    limit: int | None = None
    per: str | None = None
    language: str | None = None
    without: tuple[str, ...] = ()
    one: bool = False


def parse_query(reply: str) -> Query | None:
    """Return the query in a reply; None if it holds none."""
    found = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        row = json.loads(found[0]) if found else {}
    except ValueError:
        return None
    shown = tuple(name for name in _texts(row, "show") if name in SHOWN) if isinstance(row, dict) else ()
    if not shown:
        return None
    return Query(
        show=shown,
        by=_texts(row, "by"),
        not_by=_texts(row, "not_by"),
        any=row.get("any") is True,
        about=_text(row, "about"),
        not_about=_text(row, "not_about"),
        venue=_text(row, "in"),
        order=row.get("order") if row.get("order") in ORDERS else None,
        limit=_number(row, "limit"),
        per=row.get("per") if row.get("per") in COUNTED_BY else None,
        language=row.get("language") if row.get("language") in ("en", "zh") else None,
        without=tuple(name for name in _texts(row, "without") if name in MISSING),
        one=row.get("one") is True,
    )


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = row.get(key)
    found = (value for value in values if isinstance(value, str)) if isinstance(values, list) else ()
    return tuple(dict.fromkeys(found))


def _text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    return value.strip() or None if isinstance(value, str) else None


def _number(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _choice(values: Iterable[str]) -> str:
    return (
        "("
        + " | ".join(
            json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False) for value in values
        )
        + ")"
    )


def query_grammar(values: Values) -> str:
    """Return the GBNF grammar of a query: each key at most once, in one order, and no value but these."""
    name = _choice(values.names)
    names = f'"[" {name} ("," {name}){{0,3}} "]"'
    missing = _choice(MISSING)
    keys = {"about": "text", "not_about": "text"}
    if values.names:
        keys |= {"by": names, "not_by": names}
    if values.either:
        keys["any"] = '"true"'
    if values.venues:
        keys["in"] = _choice(values.venues)
    keys["order"] = _choice(ORDERS)
    if values.numbers:
        keys["limit"] = "(" + " | ".join(f'"{number}"' for number in values.numbers) + ")"
    keys["per"] = _choice(COUNTED_BY)
    if values.languages:
        keys["language"] = _choice(values.languages)
    keys |= {"without": f'"[" {missing} ("," {missing})? "]"', "one": '"true"'}
    rest = " ".join(f'(",\\"{key}\\":" {value})?' for key, value in keys.items())
    shown = f'{_choice(SHOWN)} ("," {_choice(SHOWN)}){{0,2}}'
    return (
        f'root ::= "{{}}" | "{{\\"show\\":[" {shown} "]" {rest} "}}"\n'
        'text ::= "\\"" [^"\\\\\\n]{1,80} "\\""\n'
    )
