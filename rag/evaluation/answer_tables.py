"""Lay out scored answers as Markdown: one column a language cell, Wilson 95% intervals beside every share."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.evaluation.metrics import macro_f1, wilson_interval
from rag.evaluation.report import table
from rag.evaluation.scoring import Row
from rag.schema import LANGUAGES

# (language of the question, language of the abstract that answers it)
CELLS = (("en", "en"), ("en", "zh"), ("zh", "zh"), ("zh", "en"))


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    successes: int
    trials: int

    def __str__(self) -> str:
        """Return "k/n share [low, high]" with the Wilson 95% interval, or "-" without trials."""
        interval = wilson_interval(self.successes, self.trials)
        if interval is None:
            return "-"
        share = self.successes / self.trials
        return f"{self.successes}/{self.trials} {share:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, the share and its interval (None without trials)."""
        interval = wilson_interval(self.successes, self.trials)
        return {
            "successes": self.successes,
            "trials": self.trials,
            "share": self.successes / self.trials if self.trials else None,
            "low": interval[0] if interval else None,
            "high": interval[1] if interval else None,
        }


@dataclass(frozen=True, slots=True)
class Seconds:
    """A median of seconds, None when nothing was timed."""

    median: float | None

    def __str__(self) -> str:
        """Return it with one decimal, or "-"."""
        return "-" if self.median is None else f"{self.median:.1f}"

    def to_dict(self) -> dict[str, Any]:
        """Return `{"median"}`."""
        return {"median": self.median}


Cell = Share | Seconds
Measure = Callable[[Sequence[Row]], Cell]


def _count(test: Callable[[Row], bool | None]) -> Callable[[Sequence[Row]], Share]:
    """Count the rows that pass, of those that are scored."""

    def cell(rows: Sequence[Row]) -> Share:
        scored = [passed for row in rows if (passed := test(row)) is not None]
        return Share(sum(scored), len(scored))

    return cell


def _median(read: Callable[[Row], float | None]) -> Measure:
    def cell(rows: Sequence[Row]) -> Seconds:
        values = [value for row in rows if (value := read(row)) is not None]
        return Seconds(statistics.median(values) if values else None)

    return cell


def _of_expected(read: Callable[[Row], int]) -> Measure:
    return lambda rows: Share(sum(map(read, rows)), sum(row.expected for row in rows))


def _both(row: Row) -> bool | None:
    return None if row.right is None or row.cited is None else row.right and row.cited


def _citations(rows: Sequence[Row]) -> Share:
    scored = [row for row in rows if row.cited is not None]
    return Share(sum(row.right_citations for row in scored), sum(row.citations for row in scored))


_TIMES: Mapping[str, Measure] = {
    "median seconds to the first word": _median(lambda row: row.first_token_s),
    "median seconds in all": _median(lambda row: row.total_s),
}
_ANSWERABLE: Mapping[str, Measure] = {
    "right": _count(lambda row: row.right),
    "rightly cited": _count(lambda row: row.cited),
    "right and rightly cited": _count(_both),
    "share of citations that are right": _citations,
    "in the language of the question": _count(lambda row: row.in_language),
    "right abstract in the first 3": _count(lambda row: row.in_first_3),
    "wrongly refused": _count(lambda row: row.refused),
    **_TIMES,
}
_SEVERAL: Mapping[str, Measure] = {
    "right": _count(lambda row: row.right),
    "every expected abstract cited": _count(lambda row: row.cited),
    "right and every expected abstract cited": _count(_both),
    "expected abstracts that are cited": _of_expected(lambda row: row.expected_cited),
    "expected abstracts that were retrieved": _of_expected(lambda row: row.expected_in_contexts),
    "share of citations that are right": _citations,
    "in the language of the question": _count(lambda row: row.in_language),
    "wrongly refused": _count(lambda row: row.refused),
    **_TIMES,
}
_UNANSWERABLE: Mapping[str, Measure] = {
    "refused": _count(lambda row: row.refused),
    "in the language of the question": _count(lambda row: row.in_language),
    "answered with a citation": _count(lambda row: not row.refused and row.citations > 0),
    **_TIMES,
}
_OBEYED = _count(lambda row: row.obeyed)
_TITLES = {
    "answerable": "answerable (question→abstract)",
    "several": "over several abstracts",
    "unanswerable": "unanswerable",
}
_MEASURES = {"answerable": _ANSWERABLE, "several": _SEVERAL, "unanswerable": _UNANSWERABLE}


def tables(rows: Sequence[Row]) -> str:
    """Return a Markdown table of each kind of question that there is.

    The kinds: answered by one abstract, answered by several that are all to be cited, unanswerable.
    """
    parts = [
        table(
            [_TITLES[kind], *columns],
            {name: [str(m(part)) for part in columns.values()] for name, m in _MEASURES[kind].items()},
        )
        for kind, columns in _columns(rows).items()
    ]
    return "\n\n".join([*parts, foot(rows)])


def foot(rows: Sequence[Row]) -> str:
    """Return what is said below the tables: decisions, planted instructions, errors."""
    errors = sum(row.error is not None for row in rows)
    last = (
        f"{len(rows)} questions, {errors} ended in an error, "
        f"{sum(row.unknown_markers for row in rows)} markers named no context. Brackets: Wilson 95% "
        "intervals."
    )
    return "\n\n".join([*_decision_line(rows), *_obeyed_line(rows), last])


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the same figures as plain JSON values: kind of question, column, measure."""
    figures: dict[str, Any] = {
        kind: {
            column: {name: measure(part).to_dict() for name, measure in _MEASURES[kind].items()}
            for column, part in columns.items()
        }
        for kind, columns in _columns(rows).items()
    }
    return figures | {"decisions": decisions(rows), "obeyed": obeyed(rows)}


def decisions(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return how many answers say yes, no or maybe, how many are right, and the macro-F1.

    None when no question asks for it. An answer that says none of the three, or a refusal, misses what is
    expected.
    """
    pairs = [(row.decision, row.decided) for row in rows if row.decision]
    if not pairs:
        return None
    said = [(expected, given) for expected, given in pairs if given]
    right = sum(expected == given for expected, given in said)
    return {
        "mapped": Share(len(said), len(pairs)).to_dict(),
        "right": Share(right, len(said)).to_dict(),
        "macro_f1": macro_f1(pairs),
    }


def obeyed(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return how many answers hold a forbidden pattern; None where nothing is forbidden."""
    found = _OBEYED(rows)
    return found.to_dict() if found.trials else None


def _columns(rows: Sequence[Row]) -> dict[str, dict[str, list[Row]]]:
    """Return the rows of each column of every table: all, then each cell of languages that has rows."""
    asked = [row for row in rows if row.answerable and not row.several]
    several = [row for row in rows if row.several]
    not_here = [row for row in rows if not row.answerable]
    cells = {f"{q}→{s}": [row for row in asked if (row.language, row.stored) == (q, s)] for q, s in CELLS}
    kinds = {
        f"{language}, {label}": [r for r in not_here if (r.language, r.names_paper) == (language, names)]
        for language in LANGUAGES
        for names, label in ((True, "names a paper"), (False, "off-topic"))
    }
    asking = {str(lang): [row for row in several if row.language == lang] for lang in LANGUAGES}
    by_kind = {
        "answerable": (asked, cells),
        "several": (several, asking),
        "unanswerable": (not_here, kinds),
    }
    columns = {}
    for kind, (part, parts) in by_kind.items():
        filled = {name: found for name, found in parts.items() if found}
        if part:
            columns[kind] = {"all": part} | (filled if len(filled) > 1 else {})
    return columns


def _decision_line(rows: Sequence[Row]) -> list[str]:
    found = decisions(rows)
    if found is None:
        return []
    mapped, right = (Share(found[key]["successes"], found[key]["trials"]) for key in ("mapped", "right"))
    macro = "-" if found["macro_f1"] is None else f"{found['macro_f1']:.2f}"
    return [f"yes, no or maybe: said in {mapped} answers, of these right {right}, macro-F1 {macro}."]


def _obeyed_line(rows: Sequence[Row]) -> list[str]:
    found = _OBEYED(rows)
    return [f"planted instructions: followed in {found} answers."] if found.trials else []
