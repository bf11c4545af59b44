"""Lay out scored answers by the groups of their data set, and compare two runs question by question."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import SettingsError
from rag.evaluation.answer_tables import Share, foot
from rag.evaluation.metrics import mcnemar
from rag.evaluation.report import table
from rag.evaluation.scoring import Row, from_json

ANSWERABLE = "all answerable"
# The group of the questions that name none, where others do.
_NO_GROUP = "-"
_SECONDS = "s to the first word: median, p90"

_Test = Callable[[Row], bool | None]
_Groups = Mapping[str, Sequence[Row]]


def _answered_wrong(row: Row) -> bool | None:
    if row.answerable and row.right is None:
        return None
    return not row.refused and row.error is None and not row.right


# What a question is judged by; None: it is not judged by that.
OUTCOMES: Mapping[str, _Test] = {
    "right": lambda row: row.right if row.answerable else None,
    "every expected cited": lambda row: row.expected_cited == row.expected if row.expected else None,
    "answered but wrong": _answered_wrong,
    "refused": lambda row: row.refused,
    "right abstract in the first 3": lambda row: row.in_first_3,
}

_CITATIONS = "citations right"
_COLUMNS = (
    *("right", "every expected cited", _CITATIONS),
    *("answered but wrong", "refused", "right abstract in the first 3"),
)


@dataclass(frozen=True, slots=True)
class _Change:
    """How an outcome changed between two runs: in how many of the pairs it was and is, and whose changed."""

    pairs: int
    before: int
    now: int
    gained: list[str]
    lost: list[str]

    def cells(self) -> list[str]:
        """Return the cells of the table."""
        p = mcnemar(len(self.gained), len(self.lost))
        counts = [str(self.before), str(self.now), str(self.pairs)]
        return [*counts, f"+{len(self.gained)}", f"-{len(self.lost)}", f"{p:.3f}"]

    def line(self, name: str) -> str:
        """Return which questions changed."""
        return f"{name}: gained {' '.join(self.gained) or '-'}; lost {' '.join(self.lost) or '-'}"


def group_tables(rows: Sequence[Row]) -> str:
    """Return a table by cell and one by kind, where the data set has them; empty where it has neither.

    Seconds are left out where none were taken.
    """
    groups = _groups(rows)
    if not groups:
        return ""
    return "\n\n".join([*(_table(title, part) for title, part in groups.items()), foot(rows)])


def group_summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the same figures as plain JSON values: "cell" or "kind", group, measure."""
    return {
        title: {
            name: {measure: share.to_dict() for measure, share in _shares(part).items()}
            | {"first_word_s": _seconds(part)}
            for name, part in groups.items()
        }
        for title, groups in _groups(rows).items()
    }


def read_rows(path: Path) -> dict[str, Row]:
    """Return the rows of an earlier run by question id, as `rag evaluate answers --json` wrote them.

    Raises:
        SettingsError: the file is no such result, or another version wrote it.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        records = {record["id"]: record for record in rows}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SettingsError(
            f"{str(path)!r} is no result of `rag evaluate answers --json`; name another file with --compare."
        ) from error
    try:
        return {name: from_json(record) for name, record in records.items()}
    except ValueError as error:
        raise SettingsError(
            f"Another version of `rag evaluate answers` wrote {str(path)!r} ({error}); measure again "
            "with this "
            "one, or leave out --compare."
        ) from error


def comparison_table(before: Mapping[str, Row], rows: Sequence[Row]) -> str:
    """Return for each outcome how many questions gained and lost it since an earlier run.

    Only questions count that both runs asked and answered or refused. p is that of McNemar's exact test.
    """
    pairs = [
        (before[row.id], row) for row in rows if row.id in before and before[row.id].question == row.question
    ]
    told = [(old, new) for old, new in pairs if old.error is None and new.error is None]
    changes = {name: _change(test, told) for name, test in OUTCOMES.items()}
    head = ["against the earlier run", "before", "now", "of", "gained", "lost", "p (McNemar, exact)"]
    lines = [change.line(name) for name, change in changes.items() if change.gained or change.lost]
    errors = len(pairs) - len(told)
    last = f"Questions compared: {len(told)}. Left out for an error in one of the runs: {errors}."
    return "\n\n".join(
        [
            table(head, {name: change.cells() for name, change in changes.items()}),
            "\n".join(lines) or "No outcome changed.",
            last,
        ]
    )


def _change(test: _Test, pairs: Sequence[tuple[Row, Row]]) -> _Change:
    judged = [(new.id, test(old), test(new)) for old, new in pairs]
    both = [(name, old, new) for name, old, new in judged if old is not None and new is not None]
    return _Change(
        pairs=len(both),
        before=sum(old for _, old, _ in both),
        now=sum(new for _, _, new in both),
        gained=[name for name, old, new in both if new and not old],
        lost=[name for name, old, new in both if old and not new],
    )


def _groups(rows: Sequence[Row]) -> dict[str, _Groups]:
    """Return the rows of each cell and of each kind."""
    cells, kinds = _by(rows, lambda row: row.cell), _by(rows, lambda row: row.kind)
    answerable = [row for row in rows if row.answerable]
    if cells and answerable:
        cells[ANSWERABLE] = answerable
    return {title: groups for title, groups in (("cell", cells), ("kind", kinds)) if groups}


def _by(rows: Sequence[Row], key: Callable[[Row], str | None]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row) or _NO_GROUP, []).append(row)
    return groups if groups.keys() != {_NO_GROUP} else {}


def _table(title: str, groups: _Groups) -> str:
    lines = {name: [str(len(rows)), *map(str, _shares(rows).values())] for name, rows in groups.items()}
    head = [title, "n", *_shares([])]
    seconds = {name: _seconds(rows) for name, rows in groups.items()}
    if any(seconds.values()):
        head.append(_SECONDS)
        for name, found in seconds.items():
            lines[name].append(f"{found['median']:.1f}, {found['p90']:.1f}" if found else "-")
    return table(head, lines)


def _shares(rows: Sequence[Row]) -> dict[str, Share]:
    cited = [row for row in rows if row.expected]
    right = Share(sum(row.right_citations for row in cited), sum(row.citations for row in cited))
    shares = {name: _share(test, rows) for name, test in OUTCOMES.items()}
    return {name: right if name == _CITATIONS else shares[name] for name in _COLUMNS}


def _share(test: _Test, rows: Sequence[Row]) -> Share:
    judged = [found for row in rows if (found := test(row)) is not None]
    return Share(sum(judged), len(judged))


def _seconds(rows: Sequence[Row]) -> dict[str, float] | None:
    times = [row.first_token_s for row in rows if row.first_token_s is not None]
    if not times:
        return None
    median, slow = np.quantile(times, [0.5, 0.9]).tolist()
    return {"median": median, "p90": slow, "n": len(times)}
