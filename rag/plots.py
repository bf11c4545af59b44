"""Draw what an evaluation measured: dots with their intervals, one row an arm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import SettingsError
from rag.evaluate import Group, RetrievalReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURES = ("nDCG@10", "R@1", "R@10")
# Blue and vermilion of Okabe and Ito 2008 are told apart with every kind of colour vision; shape says it again.
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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = len(report.groups)
    height = rows * (_HEAD_INCHES + _ROW_INCHES * len(report.groups[0].arms)) + _HEAD_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, len(_MEASURES), squeeze=False, sharey=True)
    for group, line in zip(report.groups, panels, strict=True):
        for measure, axes in zip(_MEASURES, line, strict=True):
            _panel(axes, group, measure)
    name = str(report.dataset["name"]).encode("ascii", "backslashreplace").decode("ascii")
    figure.suptitle(
        f"{name}: mean and bootstrap 95% interval.  Blue circle: fused, as the product ranks; "
        "black square: one arm; open diamond: one part switched off",
        fontsize=9,
    )
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The plot cannot be written to {str(path)!r} ({error}); name a .png file."
        ) from error


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
