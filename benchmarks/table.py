"""Lay out scored rows as Markdown: one column a language cell, Wilson 95% intervals beside every share."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.scoring import Row
from rag.metrics import wilson_interval

# (language of the question, language of the abstract that answers it)
CELLS = (("en", "en"), ("en", "zh"), ("zh", "zh"), ("zh", "en"))


def share(successes: int, trials: int) -> str:
    """Return "k/n share [low, high]" with the Wilson 95% interval, or "-" without trials."""
    interval = wilson_interval(successes, trials)
    if interval is None:
        return "-"
    return f"{successes}/{trials} {successes / trials:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def _count(test: Callable[[Row], bool]) -> Callable[[Sequence[Row]], str]:
    return lambda rows: share(sum(map(test, rows)), len(rows))


def _median(read: Callable[[Row], float | None]) -> Callable[[Sequence[Row]], str]:
    def cell(rows: Sequence[Row]) -> str:
        values = [value for row in rows if (value := read(row)) is not None]
        return f"{statistics.median(values):.1f}" if values else "-"

    return cell


_ANSWERABLE = {
    "right": _count(lambda row: row.right),
    "rightly cited": _count(lambda row: row.cited),
    "right and rightly cited": _count(lambda row: row.right and row.cited),
    "share of citations that are right": lambda rows: share(
        sum(row.right_citations for row in rows), sum(row.citations for row in rows)
    ),
    "in the language of the question": _count(lambda row: row.in_language),
    "right abstract in the first 3": _count(lambda row: row.in_first_3),
    "wrongly refused": _count(lambda row: row.refused),
    "median seconds to the first word": _median(lambda row: row.first_token_s),
    "median seconds in all": _median(lambda row: row.total_s),
}
_UNANSWERABLE = {
    "refused": _count(lambda row: row.refused),
    "in the language of the question": _count(lambda row: row.in_language),
    "answered with a citation": _count(lambda row: not row.refused and row.citations > 0),
    "median seconds to the first word": _median(lambda row: row.first_token_s),
    "median seconds in all": _median(lambda row: row.total_s),
}


def tables(rows: Sequence[Row]) -> str:
    """Return two Markdown tables: answerable by question and abstract language, and unanswerable."""
    asked = [row for row in rows if row.answerable]
    not_here = [row for row in rows if not row.answerable]
    by_cell = {f"{q}→{s}": [row for row in asked if (row.language, row.stored) == (q, s)] for q, s in CELLS}
    by_kind = {
        f"{language}, {label}": [r for r in not_here if (r.language, r.names_paper) == (language, names)]
        for language in ("en", "zh")
        for names, label in ((True, "names a paper"), (False, "off-topic"))
    }
    errors = sum(row.error is not None for row in rows)
    return "\n\n".join(
        [
            _table("answerable (question→abstract)", _ANSWERABLE, {"all": asked} | by_cell),
            _table("unanswerable", _UNANSWERABLE, {"all": not_here} | by_kind),
            f"{len(rows)} questions, {errors} ended in an error, "
            f"{sum(row.unknown_markers for row in rows)} markers named no context. "
            "Brackets: Wilson 95% intervals.",
        ]
    )


def _table(
    title: str, measures: dict[str, Callable[[Sequence[Row]], str]], columns: dict[str, list[Row]]
) -> str:
    lines = [[title, *columns], ["---"] * (len(columns) + 1)]
    lines += [[name, *map(measure, columns.values())] for name, measure in measures.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
