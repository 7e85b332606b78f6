"""Butterfly curves as a picture: both inverters' curves, the Monte Carlo cloud, the largest squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from bitline.cli.report.chart import BLUE, GREEN, ORANGE, SKY, chart, joined, line, plot
from bitline.cli.report.markup import card, quantity
from bitline.cli.report.section import Block
from bitline.cli.report.source import AbsentError, Columns, Floats, RunSource
from bitline.core.figures import SIMULATED

DRAWN = 100  # samples in the cloud: more would only weigh


def butterfly(mode: str, title: str, part: str = "sram") -> Block:
    """A block: the butterfly of a part's cell in `mode`, "read" or "hold"."""

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        vin, q, qb = (np.asarray(nominal.first(name)) for name in ("vin", f"{mode}_q", f"{mode}_qb"))
        margin = float(nominal.first(f"{mode}_snm"))
        figure = chart("V(Q) (V)", "V(QB) (V)")
        said = _cloud(figure, run, part, mode)
        for x, y, name, colour in ((vin, qb, "QB over Q", BLUE), (q, vin, "Q over QB", GREEN)):
            figure.add_trace(line(x, y, name, colour))
        for number, corners in enumerate(squares(vin, q, qb)):
            name = f"largest squares, {quantity(margin, 'V')}"
            style: dict[str, Any] = {"legendgroup": "squares", "showlegend": number == 0, "line": {"dash": "dot"}}
            figure.add_trace(line(*corners, name, ORANGE, **style))
        figure.update_yaxes(scaleanchor="x", constrain="domain")
        figure.update_xaxes(constrain="domain", range=[-0.03 * vin[-1], 1.03 * vin[-1]])
        caption = f"The side of the smaller square is the {mode} SNM: {quantity(margin, 'V')} without mismatch. {said}"
        return card(title, plot(figure, caption, 470), caption, [SIMULATED], "half")

    return block


def squares(vin: Floats, q: Floats, qb: Floats) -> list[tuple[Floats, Floats]]:
    """The largest square in either lobe, as closed outlines (x, y) of five corners, V.

    In axes turned by 45 degrees the curves' distance is the diagonal of the square that fits there. A lobe that is lost
    has no square, nor has one too small to see.

    Args:
        vin: inputs, V, shape (points,).
        q: output of the left inverter, V, shape (points,).
        qb: output of the right inverter, V, shape (points,).
    """
    right_u, right_v = vin - qb, vin + qb
    left_u, left_v = (q - vin)[::-1], (q + vin)[::-1]
    grid = np.linspace(max(right_u[0], left_u[0]), min(right_u[-1], left_u[-1]), 2001)
    right, left = np.interp(grid, right_u, right_v), np.interp(grid, left_u, left_v)
    outlines = []
    for apart, lower, upper in ((right - left, left, right), (left - right, right, left)):
        at = int(np.argmax(apart))
        if apart[at] <= 1e-3 * vin[-1]:
            continue
        low_x, low_y = (lower[at] + grid[at]) / 2, (lower[at] - grid[at]) / 2
        high_x, high_y = (upper[at] + grid[at]) / 2, (upper[at] - grid[at]) / 2
        x = np.array([low_x, high_x, high_x, low_x, low_x])
        outlines.append((x, np.array([low_y, low_y, high_y, high_y, low_y])))
    return outlines


def _cloud(figure: go.Figure, run: RunSource, part: str, mode: str) -> str:
    """Draw the samples' curves behind the nominal ones; gives the sentence that says how many there are."""
    try:
        drawn = run.group(f"{part}/monte_carlo")
        if "vin" not in drawn.names:
            return ""  # its samples keep no curves
        vin, q, qb = (np.asarray(drawn.valid(name))[:DRAWN] for name in ("vin", f"{mode}_q", f"{mode}_qb"))
    except AbsentError:
        return "No mismatch samples were drawn."
    x, y = np.concatenate([joined(vin), joined(q)]), np.concatenate([joined(qb), joined(vin)])
    name = f"{len(vin)} mismatch samples"
    opacity = min(1.0, 3 / math.sqrt(len(vin)))
    figure.add_trace(line(x, y, name, SKY, line={"width": 0.7}, opacity=opacity, hoverinfo="skip"))
    return _counted(drawn, len(vin))


def _counted(drawn: Columns, shown: int) -> str:
    said = f"The cloud is {shown} of {drawn.count} mismatch samples"
    return f"{said}, of which {drawn.failed} failed." if drawn.failed else f"{said}."
