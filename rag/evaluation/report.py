"""Lay out what an evaluation measured as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.evaluation.metrics import RANKING_MEASURES
from rag.evaluation.retrieval import ALL, Estimate, Group, RetrievalReport

_LANGUAGES = {"en": "English", "zh": "Chinese"}


def retrieval_tables(report: RetrievalReport) -> str:
    """Return one table for all questions, one for each pair of languages, and the speed."""
    parts = [_head(report), *(_arms(group) for group in report.groups)]
    crossed = {group.name: group for group in report.groups if group.name != ALL}
    if set(crossed) == {f"{asked}->{stored}" for asked in _LANGUAGES for stored in _LANGUAGES}:
        parts += [_across(crossed, measure) for measure in ("R@1", "R@10")]
    return "\n\n".join([*parts, _foot(report)])


def _head(report: RetrievalReport) -> str:
    data, index = report.dataset, report.index
    return (
        f"{data['name']}: {data['asked']:,} of {data['questions']:,} questions, {index['works']:,} "
        "abstracts in "
        f"{index['chunks']:,} chunks, {report.config['embedding_model']}"
    )


def _arms(group: Group) -> str:
    rows = {arm: [interval(row[name]) for name in RANKING_MEASURES] for arm, row in group.arms.items()}
    rows["fused minus dense"] = [signed(group.fused_minus_dense[name]) for name in RANKING_MEASURES]
    return table([f"{group.name} ({group.questions:,} questions)", *RANKING_MEASURES], rows)


def _across(groups: Mapping[str, Group], measure: str) -> str:
    rows = {
        f"{_LANGUAGES[asked]} question": [
            interval(groups[f"{asked}->{stored}"].arms["fused"][measure]) for stored in _LANGUAGES
        ]
        for asked in _LANGUAGES
    }
    return table([f"{measure}, fused", *(f"{name} abstract" for name in _LANGUAGES.values())], rows)


def _foot(report: RetrievalReport) -> str:
    index, speed = report.index, report.speed
    took = (
        "index opened from the cache"
        if index["seconds"] is None
        else f"index built in {index['seconds']:.1f} s ({index['embedded']:,} passages embedded)"
    )
    return (
        f"{speed['questions_per_second']:.1f} questions a second, p50 {speed['p50_ms']:.0f} ms, "
        f"p95 {speed['p95_ms']:.0f} ms (fused, embedding included); {took}. Brackets: bootstrap 95% "
        "intervals."
    )


def interval(estimate: Estimate) -> str:
    """Return ".713 [.671, .752]"."""
    return f"{_share(estimate.mean)} [{_share(estimate.low)}, {_share(estimate.high)}]"


def signed(estimate: Estimate) -> str:
    """Return "+.021 [-.004, +.045]"."""
    return f"{_share(estimate.mean, '+')} [{_share(estimate.low, '+')}, {_share(estimate.high, '+')}]"


def _share(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:{sign}.2f}"


def table(head: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """Return a Markdown table, its columns padded so that it reads well in a terminal too."""
    lines = [list(head), *([name, *cells] for name, cells in rows.items())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
