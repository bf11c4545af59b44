"""Lay out scored answers by the groups of their data set, and compare two runs question by question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rag.answer_tables import Share
from rag.evaluate_table import table
from rag.metrics import mcnemar
from rag.scoring import Row

ANSWERABLE = "all answerable"

_Test = Callable[[Row], bool | None]

# What a question is judged by; None: it is not judged by that.
OUTCOMES: Mapping[str, _Test] = {
    "right": lambda row: row.right if row.answerable else None,
    "every expected cited": lambda row: row.expected_cited == row.expected if row.expected else None,
    "answered but wrong": lambda row: (
        not row.refused and not row.right if row.answerable else not row.refused
    ),
    "refused": lambda row: row.refused,
    "right abstract in the first 3": lambda row: row.in_first_3,
}


def group_tables(rows: Sequence[Row], *, timed: bool = True) -> str:
    """Return one table by cell and one by kind, a line each; empty where the questions belong to no groups.

    `timed` False leaves out the seconds, which mean nothing where replies were recorded.
    """
    if not any(row.cell for row in rows):
        return ""
    answerable = [row for row in rows if row.answerable]
    parts = [
        _table("cell", {**_by(rows, lambda row: row.cell), ANSWERABLE: answerable}, timed),
        _table("kind", _by(rows, lambda row: row.kind), timed),
    ]
    return "\n\n".join(parts)


def group_summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the same figures as plain JSON values: "cell" or "kind", group, measure."""
    by_cell = {**_by(rows, lambda row: row.cell), ANSWERABLE: [row for row in rows if row.answerable]}
    return {
        name: {
            group: {title: value.to_dict() for title, value in _shares(part).items()} | _seconds(part)
            for group, part in groups.items()
        }
        for name, groups in (("cell", by_cell), ("kind", _by(rows, lambda row: row.kind)))
    }


def comparison_table(before: Mapping[str, Mapping[str, Any]], rows: Sequence[Row]) -> str:
    """Return for each outcome how many questions gained and lost it since an earlier run, with McNemar's exact p.

    `before` are the rows of the earlier run as `rag evaluate answers --json` wrote them, by question id. Only questions
    of both runs count.
    """
    lines, changed = {}, []
    for name, test in OUTCOMES.items():
        pairs = [(row.id, test(Row(**before[row.id])), test(row)) for row in rows if row.id in before]
        scored = [
            (each, bool(old), bool(new)) for each, old, new in pairs if old is not None and new is not None
        ]
        gained = [each for each, old, new in scored if new and not old]
        lost = [each for each, old, new in scored if old and not new]
        counts = [sum(old for _, old, _ in scored), sum(new for _, _, new in scored)]
        p = mcnemar(len(gained), len(lost))
        lines[name] = [*map(str, counts), str(len(scored)), f"+{len(gained)}", f"-{len(lost)}", f"{p:.3f}"]
        changed += (
            [f"{name}: +{' +'.join(gained) or '-'}; lost {' '.join(lost) or '-'}"] if gained or lost else []
        )
    head = ["against the earlier run", "before", "now", "of", "gained", "lost", "p (McNemar, exact)"]
    return "\n\n".join([table(head, lines), "\n".join(changed) or "No outcome changed."])


def _by(rows: Sequence[Row], key: Callable[[Row], str | None]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if name := key(row):
            groups.setdefault(name, []).append(row)
    return groups


def _table(title: str, groups: Mapping[str, Sequence[Row]], timed: bool) -> str:
    lines = {}
    for name, rows in groups.items():
        cells = [str(len(rows)), *map(str, _shares(rows).values())]
        if timed:
            found = _seconds(rows)["first_word_s"]
            cells.append("-" if found is None else f"{found['median']:.1f}, {found['p90']:.1f}")
        lines[name] = cells
    head = [title, "n", *_shares([]), *(["s to the first word: median, p90"] if timed else [])]
    return table(head, lines)


def _shares(rows: Sequence[Row]) -> dict[str, Share]:
    def count(name: str) -> Share:
        told = [value for row in rows if (value := OUTCOMES[name](row)) is not None]
        return Share(sum(told), len(told))

    cited = [row for row in rows if row.expected]
    return {
        "right": count("right"),
        "every expected cited": count("every expected cited"),
        "citations right": Share(sum(r.right_citations for r in cited), sum(r.citations for r in cited)),
        "answered but wrong": count("answered but wrong"),
        "refused": count("refused"),
        "right abstract in the first 3": count("right abstract in the first 3"),
    }


def _seconds(rows: Sequence[Row]) -> dict[str, Any]:
    times = [row.first_token_s for row in rows if row.first_token_s is not None]
    if not times:
        return {"first_word_s": None}
    median, slow = np.quantile(times, [0.5, 0.9]).tolist()
    return {"first_word_s": {"median": median, "p90": slow, "n": len(times)}}
