"""Compare lists of authors: how many names two papers have in common, however they are written."""

from __future__ import annotations

from collections.abc import Sequence, Set

from rag.text.names import Name, Reading, read_name


def surname(author: str) -> str:
    """Return the folded family name, in one word; "" if there is none."""
    readings = read_name(author).readings
    return readings[0].surname.replace(" ", "") if readings else ""


def common_authors(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many names two lists have in common: equal family names, or a name turned round."""
    ours, theirs = (
        {name for author in authors if (name := read_name(author)).readings} for authors in (first, second)
    )
    return min(_count_in(ours, theirs), _count_in(theirs, ours))


def _count_in(names: Set[Name], others: Set[Name]) -> int:
    families = {surname(other.written) for other in others}
    found = (surname(name.written) for name in names if _is_among(name, families, others))
    return len(set(found))


def _is_among(name: Name, families: Set[str], others: Set[Name]) -> bool:
    return surname(name.written) in families or any(_is_turned_round(name, other) for other in others)


def _is_turned_round(first: Name, second: Name) -> bool:
    """Return whether two names agree if the family name of one comes first: family, and one initial."""
    return any(
        one.surname == other.surname and _initials(one) & _initials(other)
        for one in (*first.readings, *first.loose)
        for other in (*second.readings, *second.loose)
    )


def _initials(reading: Reading) -> set[str]:
    return {given[:1] for given in reading.given}
