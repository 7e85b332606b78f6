"""Variation of programming a ReRAM cell: convergence, cells against cycles, and what the variance is made of."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, GREY, ORANGE, PURPLE, chart, line, plot, points, scale, single, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.markup import card, words
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.cli.report.sweep import shade
from bitline.core.figures import SIMULATED

_PART = "reram_variability"
_QUANTITIES = ("set_g", "pulses", "program_energy", "conductance")
_PARTS = {
    "cycle_to_cycle": ("cycle to cycle", GREY),
    "by_transistor": ("transistor", BLUE),
    "by_device": ("device", ORANGE),
}
_TRACES = 25  # cells whose convergence is drawn


def _convergence(run: RunSource) -> str:
    drawn, nominal = run.group(f"{_PART}/monte_carlo"), run.group(f"{_PART}/nominal")
    traces = np.asarray(drawn.valid("trace_g"))[:_TRACES]
    target, tolerance = float(nominal.first("target")), float(nominal.first("tolerance"))
    factor, unit = scale(traces, "S")
    last = int(np.max(np.sum(np.isfinite(traces), axis=1)))
    pulse = np.arange(last)
    figure = chart("pulses", titled("conductance read", unit), showlegend=False)
    for number, trace in enumerate(traces):
        style = {"width": 1}
        figure.add_trace(line(pulse, trace[:last] * factor, f"cell {number}", shade(number, len(traces)), line=style))
    for edge in (1 - tolerance, 1 + tolerance):
        ends = np.full(2, edge * target * factor)
        figure.add_trace(line(pulse[[0, -1]], ends, "tolerance", GREEN, line={"dash": "dash", "width": 1.5}))
    caption = f"{len(traces)} cells on their way to the target; the dashed lines are the tolerance."
    return card("Convergence of program-and-verify", plot(figure, caption, 380), caption, [SIMULATED], "half")


def _cells(run: RunSource) -> str:
    """Every cell's conductance after one SET, each repeat a dot, cells in the order of their means."""
    drawn = run.group(f"{_PART}/monte_carlo")
    values = np.asarray(drawn.valid("set_g"))
    values = values[np.argsort(values.mean(axis=1))]
    factor, unit = scale(values, "S")
    number = np.repeat(np.arange(len(values)), values.shape[1])
    figure = chart("cell, by mean", titled("conductance after one SET", unit), showlegend=False)
    figure.add_trace(points(number, values.ravel() * factor, "repeat", BLUE, opacity=0.6))
    figure.add_trace(line(np.arange(len(values)), values.mean(axis=1) * factor, "mean", ORANGE))
    caption = (
        "Each dot is one SET of that cell, without verify: the line is device to device, the dots about it cycles."
    )
    return card("Cells and cycles", plot(figure, caption, 380), caption, [SIMULATED], "half")


def _shares(run: RunSource) -> str:
    named = run.figures(_PART)
    if any(f"{name}_cycle_to_cycle" not in named for name in _QUANTITIES):
        raise AbsentError("no samples, so that no variance can be split")
    figure = chart("share of the variance", "", barmode="stack")
    squares = {
        part: np.array([named[f"{name}_{part}"].value ** 2 for name in _QUANTITIES])
        for part in (*_PARTS, "cell_to_cell")
    }
    total = squares["cycle_to_cycle"] + squares["cell_to_cell"]
    known = squares["by_transistor"] + squares["by_device"]
    rest = np.maximum(squares["cell_to_cell"] - known, 0.0)
    for part in ("by_transistor", "by_device"):  # of few cells they may come out above the whole
        squares[part] *= np.minimum(1.0, squares["cell_to_cell"] / np.where(known > 0, known, 1.0))
    bars = {label: (squares[part], colour) for part, (label, colour) in _PARTS.items()} | {"other": (rest, PURPLE)}
    for label, (values, colour) in bars.items():
        share = single(values / np.where(total > 0, total, 1.0))
        figure.add_bar(
            x=share, y=[words(name) for name in _QUANTITIES], name=label, orientation="h", marker_color=colour
        )
    caption = "Between cells: by their transistor and their device. Within a cell: from cycle to cycle."
    return card("What the variance is made of", plot(figure, caption, 320), caption, [SIMULATED], "half")


SECTION = Section(
    22,
    "ReRAM variability",
    (
        figures(_PART, "Variation of programming", "The sizes of both variations are inputs."),
        _convergence,
        _cells,
        _shares,
    ),
    _PART,
    usual=False,
)
