"""Reliability of the ReRAM cell's levels: retention bands, distributions over time, levels that stay apart, window."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import unlabel_rgb

from bitline.cli.report.chart import Array, chart, line, plot, points, scale, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.markup import card, quantity
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.cli.report.sweep import shade, sweep
from bitline.core.figures import MODELLED, PUBLISHED, SIMULATED

_PART = "reram_reliability"
_TICKS = {"1 s": 1.0, "1 h": 3600.0, "1 day": 86400.0, "1 year": 365.25 * 86400, "10 years": 3652.5 * 86400}


def _retention(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    time, levels, mean, sigma = (
        np.asarray(nominal.first(name)) for name in ("time", "level", "retained_mean", "retained_sigma")
    )
    factor, unit = scale(mean, "S")
    figure = chart("time after programming", titled("conductance", unit), showlegend=False)
    for number, (level, middle, spread) in enumerate(zip(levels, mean, sigma, strict=True)):
        colour = shade(number, len(levels))
        figure.add_trace(_band(time, (middle - 3 * spread) * factor, (middle + 3 * spread) * factor, colour))
        figure.add_trace(line(time, middle * factor, quantity(float(level), "S"), colour))
    figure.update_xaxes(type="log", tickvals=list(_TICKS.values()), ticktext=list(_TICKS), range=[-0.1, 8.9])
    caption = "Mean and three sigma of a read at each level: programming, relaxation and read noise together."
    return card("Retention", plot(figure, caption, 420), caption, [PUBLISHED], "half")


def _band(x: Array, low: Array, high: Array, colour: str) -> go.Scatter:
    red, green, blue = (int(part) for part in unlabel_rgb(colour))
    filled: dict[str, Any] = {"fill": "toself", "fillcolor": f"rgba({red},{green},{blue},0.25)", "hoverinfo": "skip"}
    round_it = np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])
    return line(*round_it, "three sigma", colour, line={"width": 0}, **filled)


def _distributions(run: RunSource) -> str:
    """Reads of every level at the first and the last time, as shares of cells below."""
    drawn = run.group(f"{_PART}/monte_carlo")
    target, read = (np.asarray(drawn.valid(name)) for name in ("target", "read_g"))
    factor, unit = scale(read, "S")
    figure = chart(titled("read conductance", unit), "share of the level's cells")
    levels = np.unique(target)
    for column, name, symbol in ((0, "1 s", "circle"), (2, "1 day", "x"), (read.shape[1] - 1, "10 years", "diamond")):
        for number, level in enumerate(levels):
            ranked = np.sort(read[target == level, column]) * factor
            share = (np.arange(len(ranked)) + 0.5) / len(ranked)
            style = {"symbol": symbol, "size": 5}
            colour = shade(number, len(levels))
            figure.add_trace(points(ranked, share, name, colour, marker=style, showlegend=number == len(levels) - 1))
    caption = "Cells of each level as read in ngspice, 1 s, 1 day and 10 years after programming."
    if drawn.failed:
        caption += f" {drawn.failed} of {drawn.count} failed and are not drawn."
    return card("Level distributions", plot(figure, caption, 420), caption, [SIMULATED, PUBLISHED], "half")


SECTION = Section(
    27,
    "ReRAM reliability",
    (
        figures(_PART, "Reliability of levels", "Relaxation, drift, read noise and endurance are inputs."),
        _retention,
        _distributions,
        sweep(
            _PART,
            "Levels that stay apart, over time",
            "time",
            "usable_by_time",
            ("time after programming", "levels"),
            "How many levels lie three sums of their sigmas apart, or as many as was set.",
            log="x",
            kinds=(MODELLED,),
        ),
        sweep(
            _PART,
            "Window against cycles",
            "cycle",
            {"highest": "window_on", "lowest": "window_off"},
            ("cycles", "conductance"),
            "Endurance is an input.",
            log="x",
            kinds=(PUBLISHED,),
        ),
        sweep(
            _PART,
            "Levels that stay apart, over cycles",
            "cycle",
            "usable_by_cycle",
            ("cycles", "levels"),
            "In the window that is left, a second after programming.",
            log="x",
            kinds=(MODELLED,),
        ),
    ),
    _PART,
    usual=False,
)
