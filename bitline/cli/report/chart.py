"""Charts: one look for all, and the plotly figures that sections put their data in.

Colours are those of Okabe and Ito, which colour-blind readers tell apart; line styles and words repeat what they say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from bitline.cli.report.markup import pretty_unit, text
from bitline.core.units import format_quantity, parse_quantity

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#56B4E9"
INK, GREY, PALE = "#1f2933", "#7b8794", "#cbd2d9"
_FONT = {"family": "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif", "size": 13, "color": INK}
_AXIS = {
    "showline": True,
    "linecolor": GREY,
    "ticks": "outside",
    "tickcolor": GREY,
    "gridcolor": "#e9ecef",
    "zeroline": False,
    "automargin": True,
    "tickfont": {"size": 12},
    "title": {"standoff": 8, "font": {"size": 13}},
}

Array = np.ndarray[Any, Any]


def chart(x: str, y: str, **layout: Any) -> go.Figure:
    """An empty chart with titled axes, `x` and `y`, units in brackets; `layout` adds to the look."""
    figure = go.Figure(
        layout={
            "template": "none",
            "font": _FONT,
            "margin": {"l": 10, "r": 14, "t": 14, "b": 10},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}},
            "hovermode": "closest",
            "xaxis": _AXIS,
            "yaxis": _AXIS,
            "bargap": 0.04,
        }
    )
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y)
    return figure.update_layout(**layout)


def plot(figure: go.Figure, said: str, height: int = 330) -> str:
    """A chart as HTML: its data as JSON beside the element that page.js draws it in.

    Args:
        figure: the chart.
        said: what it shows, for readers who don't see it.
        height: pixels.
    """
    document = figure.to_json().replace("</", "<\\/")
    return (
        f'<div class="plot" style="height:{height}px" role="img" aria-label="{text(said)}"></div>'
        f'<script type="application/json">{document}</script>'
    )


def colorbar(title: str) -> dict[str, Any]:
    """The look of a heat map's scale."""
    return {"title": {"text": title, "font": {"size": 12}}, "thickness": 12, "outlinewidth": 0}


def scale(values: Array | float, unit: str) -> tuple[float, str]:
    """The prefix that suits the largest of `values` (in `unit`): (factor to multiply with, prefixed unit)."""
    finite = np.abs(np.asarray(values, dtype=np.float64))
    largest = float(np.max(finite, initial=0.0, where=np.isfinite(finite)))
    if unit == "1" or largest == 0:
        return 1.0, "" if unit == "1" else pretty_unit(unit)
    prefixed = format_quantity(largest, unit).split(" ")[1]
    power = 2 if unit.endswith("^2") else 1  # the prefix of a square is that of its side
    return 1 / parse_quantity(f"1{prefixed.removesuffix(unit)}") ** power, pretty_unit(f" {prefixed}").strip()


def titled(name: str, unit: str) -> str:
    """An axis title: the name with its unit in brackets, if it has one."""
    return f"{name} ({unit})" if unit else name


def single(values: Array) -> Array:
    """Values as they go into the page: four bytes each."""
    return np.asarray(values, dtype=np.float32)


def line(x: Array, y: Array, name: str, colour: str, **more: Any) -> go.Scatter:
    """A line; `more` goes to plotly."""
    style: Mapping[str, Any] = {"color": colour, "width": 2, **more.pop("line", {})}
    return go.Scatter(x=single(x), y=single(y), name=name, line=style, **{"mode": "lines", **more})


def points(x: Array, y: Array, name: str, colour: str, **more: Any) -> go.Scatter:
    """Dots; `more` goes to plotly."""
    style: Mapping[str, Any] = {"color": colour, "size": 6, **more.pop("marker", {})}
    return go.Scatter(x=single(x), y=single(y), name=name, marker=style, **{"mode": "markers", **more})


def joined(curves: Array) -> Array:
    """Curves (count, points) as one that a line draws with gaps between them: NaN after each."""
    gaps = np.full((len(curves), 1), np.nan)
    return np.concatenate([curves, gaps], axis=1).ravel()
