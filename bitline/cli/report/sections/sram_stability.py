"""The 6T cell beyond its butterfly: N-curve with its margins, write, retention voltage."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from bitline.cli.report.chart import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    Array,
    chart,
    line,
    plot,
    points,
    scale,
    titled,
)
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card, quantity
from bitline.cli.report.section import Section
from bitline.cli.report.source import Columns, RunSource
from bitline.core.figures import SIMULATED

_PART = "sram_stability"
_MARGINS = ("svnm", "sinm", "wtv", "wti")
_CAPTION = (
    "SVNM and SINM: static voltage and current noise margin; WTV and WTI: write-trip voltage and current; DRV: "
    "data-retention voltage. Of the two storage nodes a figure is that of the worse one."
)


def _n_curve(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    voltage, current = (np.asarray(nominal.first(f"n_curve_{name}"), dtype=np.float64) for name in "vi")
    factor, unit = scale(_between(voltage, current)[1], "A")
    figure = chart("V(Q) (V)", titled("current into Q", unit))
    figure.add_trace(line(voltage, current * factor, "N-curve", BLUE, showlegend=False))
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    roots = _mark(figure, nominal, voltage, current * factor, factor)
    crossings: dict[str, Any] = {
        "text": ["A", "B", "C"],
        "mode": "markers+text",
        "textposition": "top right",
        "showlegend": False,
    }
    figure.add_trace(points(roots, np.zeros(3), "zero crossings", INK, **crossings))
    inside = _between(voltage, current)[1] * factor
    room = 0.25 * float(np.ptp(inside))
    figure.update_yaxes(range=[float(inside.min()) - room, float(inside.max()) + room])
    margins = {name.upper(): quantity(float(nominal.first(name)), nominal.unit(name)) for name in _MARGINS}
    said = ", ".join(f"{name} {value}" for name, value in margins.items())
    caption = f"{said}. The cell is read; A is the stored 0, C the stored 1, and B the state between them."
    return card("N-curve", plot(figure, caption, 400), caption, [SIMULATED], "half")


def _between(voltage: Array, current: Array) -> tuple[Array, Array]:
    """The curve from its first zero crossing to its last."""
    at = np.flatnonzero(np.diff(np.sign(current)) != 0)
    kept = slice(int(at[0]), int(at[-1]) + 2)
    return voltage[kept], current[kept]


def _mark(figure: go.Figure, nominal: Columns, voltage: Array, current: Array, factor: float) -> Array:
    """Draw the four margins on the curve; the voltages A, B and C."""
    svnm, sinm, wtv, wti = (float(nominal.first(name)) for name in _MARGINS)
    at = np.flatnonzero(np.diff(np.sign(current)) != 0)[[0, -1]]
    first, last = voltage[at] - current[at] * (voltage[at + 1] - voltage[at]) / (current[at + 1] - current[at])
    peak = voltage[np.argmax(np.where((voltage > first) & (voltage < first + svnm), current, -np.inf))]
    depth = voltage[np.argmin(np.where((voltage > last - wtv) & (voltage < last), current, np.inf))]
    low = -0.55 * wti * factor  # lines of the voltages keep clear of the axis
    for name, x, y, colour in (
        ("SVNM", (first, first + svnm), (low, low), ORANGE),
        ("WTV", (last - wtv, last), (-low, -low), PURPLE),
        ("SINM", (peak, peak), (0.0, sinm * factor), ORANGE),
        ("WTI", (depth, depth), (0.0, -wti * factor), PURPLE),
    ):
        dash = "solid" if x[0] != x[1] else "dot"
        value = quantity(float(nominal.first(name.lower())), nominal.unit(name.lower()))
        end = "line-ns" if x[0] != x[1] else "line-ew"
        marker = {"symbol": end, "size": 9, "line": {"width": 2, "color": colour}}
        style: dict[str, Any] = {"mode": "lines+markers", "marker": marker, "line": {"dash": dash}}
        figure.add_trace(line(np.array(x), np.array(y), f"{name} {value}", colour, **style))
    return np.array([first, first + svnm, last])


def _write(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    time = np.asarray(nominal.first("write_t"))
    factor, unit = scale(time, "s")
    figure = chart(titled("time", unit), "voltage (V)")
    for net, colour, dash in (("wl", GREY, "dash"), ("q", BLUE, "solid"), ("qb", GREEN, "solid")):
        wave = np.asarray(nominal.first(f"write_{net}"))
        figure.add_trace(line(time * factor, wave, net, colour, line={"dash": dash}))
    spent = quantity(float(nominal.first("write_time_1")), "s")
    caption = f"A 1 is written: {spent} from the word line at half the supply until the nodes cross."
    return card("Write", plot(figure, caption, 400), caption, [SIMULATED], "half")


SECTION = Section(
    41,
    "SRAM stability",
    (
        figures(_PART, "6T cell: N-curve, retention, write time", _CAPTION),
        _n_curve,
        _write,
        histogram(_PART, "svnm"),
        histogram(_PART, "sinm"),
        histogram(_PART, "wtv"),
        histogram(_PART, "wti"),
        histogram(_PART, "drv", "Data-retention voltage"),
        histogram(_PART, "write_time"),
    ),
    _PART,
    usual=False,
)
