"""Draw what an evaluation measured: dots with their intervals, one row an arm; wrong answers over answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import SettingsError
from rag.evaluation.metrics import risk_coverage
from rag.evaluation.retrieval import Group, RetrievalReport
from rag.evaluation.scoring import Row, is_wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEASURES = ("nDCG@10", "R@1", "R@10")
# Blue and vermilion of Okabe and Ito 2008 are told apart with every kind of colour vision; shape says it
# again.
_PRODUCT, _ALONE, _OFF = "#0072B2", "#333333", "#D55E00"
_MARKERS = {
    "fused": ("o", _PRODUCT, _PRODUCT),
    "dense": ("s", _ALONE, _ALONE),
    "lexical": ("s", _ALONE, _ALONE),
}
_SWITCHED_OFF = ("D", _OFF, "white")
_ROW_INCHES, _HEAD_INCHES, _WIDTH_INCHES = 0.26, 0.75, 11.0


def plot_retrieval(report: RetrievalReport, path: Path) -> None:
    """Draw mean and interval of every arm for three measures, a row of panels for each group of questions.

    Raises:
        SettingsError: `path` cannot be written, or ends in no format that can be drawn.
    """
    rows = len(report.groups)
    height = rows * (_HEAD_INCHES + _ROW_INCHES * len(report.groups[0].arms)) + _HEAD_INCHES
    figure = _figure(_WIDTH_INCHES, height)
    panels = figure.subplots(rows, len(_MEASURES), squeeze=False, sharey=True)
    for group, line in zip(report.groups, panels, strict=True):
        for measure, axes in zip(_MEASURES, line, strict=True):
            _panel(axes, group, measure)
    figure.suptitle(
        f"{_ascii(str(report.dataset['name']))}: mean and bootstrap 95% interval.  Blue circle: fused, "
        "as the product ranks; "
        "black square: one arm; open diamond: one part switched off",
        fontsize=9,
    )
    _save(figure, path)


def plot_risk_coverage(name: str, rows: Sequence[Row], path: Path) -> None:
    """Draw the share of wrong answers over the share of questions answered (risk and coverage).

    The right end is where the program answers. A point further left is what a stricter limit gives; what it
    refuses at its own limit was never said, so nothing is known to the right. Answers without a confidence
    are left out.

    Raises:
        SettingsError: `path` cannot be written, or ends in no format that can be drawn.
    """
    answered = [
        (row.confidence, is_wrong(row))
        for row in rows
        if not row.refused and not row.error and row.confidence is not None
    ]
    curve = risk_coverage(answered, len(rows))
    figure = _figure(6.0, 4.0)
    axes = figure.subplots()
    if curve:
        axes.plot(*zip(*curve, strict=True), drawstyle="steps-post", color=_PRODUCT, linewidth=1.6)
        axes.plot(*curve[-1], marker="o", color=_PRODUCT)
        axes.annotate(
            "as it answers", curve[-1], textcoords="offset points", xytext=(-6, 8), ha="right", fontsize=8
        )
    answerable = sum(row.answerable for row in rows) / len(rows) if rows else 0.0
    axes.axvline(answerable, color=_ALONE, linestyle=":", linewidth=1.0)
    axes.text(answerable, 0.98, " answerable", fontsize=8, va="top", transform=axes.get_xaxis_transform())
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.01, max([0.3, *(risk for _, risk in curve)]) + 0.02)
    axes.set_xlabel("coverage: share of the questions that is answered")
    axes.set_ylabel("risk: share of these answers that is wrong")
    axes.set_title(f"{_ascii(name)}: {len(rows):,} questions", fontsize=9, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    _save(figure, path)


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches that needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The plot cannot be written to {str(path)!r} ({error}); name a .png file."
        ) from error


def _ascii(name: str) -> str:
    """Return a name in letters that every font has."""
    return name.encode("ascii", "backslashreplace").decode("ascii")


def _panel(axes: Axes, group: Group, measure: str) -> None:
    for row, (arm, measures) in enumerate(group.arms.items()):
        estimate = measures[measure]
        marker, edge, face = _MARKERS.get(arm, _SWITCHED_OFF)
        axes.plot([estimate.low, estimate.high], [row, row], color=edge, linewidth=1.6, zorder=2)
        axes.plot(
            estimate.mean,
            row,
            marker=marker,
            markersize=7,
            markerfacecolor=face,
            markeredgecolor=edge,
            linestyle="",
            zorder=3,
        )
    axes.set_yticks(range(len(group.arms)), list(group.arms))
    axes.set_ylim(len(group.arms) - 0.5, -0.5)  # the first arm on top
    axes.set_xlim(-0.03, 1.03)
    axes.grid(axis="x", color="#dddddd", linewidth=0.8)
    axes.tick_params(labelsize=8, length=0)
    axes.set_title(f"{group.name} ({group.questions:,}): {measure}", fontsize=9, loc="left")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
