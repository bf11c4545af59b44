"""The map of the library as a figure for Plotly, which Gradio brings along; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from rag import MapPoint, PaperMap
from ui.library import labels
from ui.patch import does
from ui.words import Label

# Told apart on light and on dark ground, also by most colour-blind readers (after Okabe and Ito).
_COLOURS = ("#2a86c8", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56a4d9", "#7a6fbe", "#8c8c8c")
# Points from which WebGL draws them; fewer are sharper without it.
_MANY = 2000
_FEWEST = 3
_HEIGHT = 560  # pixels


def figure(drawn: PaperMap, colour: str) -> str:
    """Return the figure as JSON; points have the colour of their cluster, or of their "language"."""
    kind = "scattergl" if len(drawn.points) > _MANY else "scatter"
    groups = [_trace(points, shade, kind) for _, points, shade in _groups(drawn, colour)]
    axis = {"visible": False, "zeroline": False}
    layout = {
        "dragmode": "lasso", "hovermode": "closest", "showlegend": False, "height": _HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "xaxis": axis, "yaxis": axis,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"align": "left", "namelength": 0},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#8a8f94", "activecolor": "#3b7bb5",
                    "orientation": "v"},
    }  # fmt: skip
    config = {
        "displaylogo": False, "displayModeBar": True, "scrollZoom": False,
        "modeBarButtons": [["lasso2d", "select2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    }  # fmt: skip
    return json.dumps({"data": groups, "layout": layout, "config": config}, ensure_ascii=False)


def legend_html(drawn: PaperMap, colour: str) -> str:
    """Return what the colours mean, how the map is used, and the choice of what is coloured."""
    if len(drawn.points) < _FEWEST:
        return f'<p class="none">{labels.MAP_EMPTY.html()}</p>'
    items = "".join(
        f'<li><span class="dot" style="background:{shade}"></span>{name.html()}'
        f'<span class="n">{len(points):,}</span></li>'
        for name, points, shade in _groups(drawn, colour)
    )
    says = labels.MAP_SAYS.html()
    if drawn.every > 1:
        says += " " + labels.MAP_EVERY.of(drawn.every).html()
    choice = "".join(
        f'<button type="button" aria-pressed="{str(key == colour).lower()}"{does("colour", by=key)}>'
        f"{label.html()}</button>"
        for key, label in labels.COLOURS.items()
    )
    return (
        f'<p class="says">{says}</p><div class="orders" role="group"{labels.COLOUR.attribute("aria-label")}>'
        f'<span aria-hidden="true">{labels.COLOUR.html()}</span>{choice}</div><ul class="legend">{items}</ul>'
    )


def _groups(drawn: PaperMap, colour: str) -> list[tuple[Label, Sequence[MapPoint], str]]:
    """Return the points of each colour, with what they have in common."""
    if colour == "language":
        names = list(labels.LANGUAGE_NAMES.values())
        groups = [[p for p in drawn.points if p.language == key] for key in labels.LANGUAGE_NAMES]
    else:
        names = [Label(name) if name else labels.CLUSTER.of(n) for n, name in enumerate(drawn.clusters, 1)]
        groups = [[p for p in drawn.points if p.cluster == n] for n in range(len(names))]
    return [found for found in zip(names, groups, _COLOURS, strict=False) if found[1]]


def _trace(points: Sequence[MapPoint], colour: str, kind: str) -> dict[str, Any]:
    small = len(points) > _MANY
    return {
        "type": kind, "mode": "markers",
        "x": [round(point.x, 4) for point in points], "y": [round(point.y, 4) for point in points],
        # Plotly reads some markup in a text.
        "text": [escape(_lines(point), quote=False).replace("\n", "<br>") for point in points],
        "customdata": [point.paper_id for point in points],
        "marker": {"size": 5 if small else 8, "color": colour, "opacity": 0.75},
        "unselected": {"marker": {"opacity": 0.18}},
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _lines(point: MapPoint) -> str:
    """Return the title, broken into lines that fit a label, and the year."""
    width = 60 if point.language == "en" else 30
    words, lines = (point.title.split() if point.language == "en" else list(point.title)), [""]
    joint = " " if point.language == "en" else ""
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]}{joint}{word}".strip()
    return "\n".join([*lines, *([str(point.year)] if point.year else [])])
