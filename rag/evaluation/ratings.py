"""Hold what readers thought of earlier answers against fresh ones: what agrees, and what got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rag.evaluation.answer_tables import Share
from rag.evaluation.datasets.records import Query
from rag.evaluation.report import table
from rag.evaluation.scoring import Row, plain

_SHOWN_CHARS = 90  # of a question in a list


def worse_than_liked(query: Query, row: Row) -> str | None:
    """Return how a fresh answer falls behind one that was rated up, None where it does not.

    It does when it ends in an error, refuses what was answered or answers what was refused, or cites none of
    the abstracts that the liked answer cited.
    """
    if row.error:
        return row.error
    if row.refused and row.answerable:
        return "was answered, is refused"
    if not row.answerable and not row.refused:
        return "was refused, is answered"
    return "cites none of the abstracts it cited" if row.cited is False else None


def says_the_same(query: Query, row: Row) -> bool:
    """Return whether a fresh answer has the words of the rated one, markers and white space aside."""
    if query.rated is None or row.answer is None:
        return False
    return plain(row.answer["answer"]) == plain(query.rated.answer)


def ratings_report(queries: Sequence[Query], rows: Sequence[Row]) -> str:
    """Return a table of the ratings beside the fresh answers, then every answer that disagrees with one.

    A fresh answer agrees with "up" where it is not worse (`worse_than_liked`), with "down" where it no longer
    says the same. Empty where nothing was rated.
    """
    rated = {query.query_id: query for query in queries if query.rated}
    pairs = [(rated[row.id], row) for row in rows if row.id in rated]
    if not pairs:
        return ""
    groups = {f"rated {verdict}": _of(pairs, verdict) for verdict in ("up", "down")}
    groups = {name: part for name, part in groups.items() if part}
    head = ["", "n", "the fresh answer agrees", "says the same"]
    return "\n\n".join([table(head, {name: _cells(part) for name, part in groups.items()}), *_lists(groups)])


_Pairs = Sequence[tuple[Query, Row]]


def _of(pairs: _Pairs, verdict: str) -> _Pairs:
    return [(query, row) for query, row in pairs if query.rated and query.rated.verdict == verdict]


def _cells(pairs: _Pairs) -> list[str]:
    agreeing = sum(_disagrees(query, row) is None for query, row in pairs)
    same = sum(says_the_same(query, row) for query, row in pairs)
    return [str(len(pairs)), str(Share(agreeing, len(pairs))), str(Share(same, len(pairs)))]


def _disagrees(query: Query, row: Row) -> str | None:
    if query.rated and query.rated.verdict == "up":
        return worse_than_liked(query, row)
    return "says the same" if says_the_same(query, row) else None


def _lists(groups: Mapping[str, _Pairs]) -> Iterator[str]:
    titles = {"rated up": "Rated up, worse now:", "rated down": "Rated down, unchanged:"}
    for name, pairs in groups.items():
        lines = [
            f"- {row.id} {_short(row.question)}: {why}"
            for query, row in pairs
            if (why := _disagrees(query, row)) is not None
        ]
        if lines:
            yield "\n".join([titles[name], *lines])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else line[: _SHOWN_CHARS - 1] + "…"
