"""Program-and-verify of the ReRAM cell: its figures by level, its convergence, pulses, and the levels that result."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, ORANGE, chart, line, plot, points, scale, titled
from bitline.cli.report.markup import card, figures_table, quantity, table, text
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.cli.report.sweep import right_axis, shade, waves
from bitline.core.figures import SIMULATED

_PART = "reram_programming"
_COLUMNS = ("pulses", "program_energy", "program_error")
_HEADS = ("level", "pulses", "mean", "energy", "mean", "error", "sigma as programmed")


def _figures(run: RunSource) -> str:
    run.group(f"{_PART}/nominal")
    named = run.figures(_PART)
    levels = [name.removeprefix("pulses_") for name in named if name.startswith("pulses_") and name.endswith("S")]
    rows = []
    for level in levels:
        wanted = [f"{column}_{level}{end}" for column in _COLUMNS for end in ("", "_mean")]
        wanted[-1] = f"program_error_{level}_sigma"
        found = [named.get(name) for name in wanted]
        rows.append(
            [
                text(level.replace("uS", " \N{MICRO SIGN}S")),
                *(text(quantity(f.value, f.unit)) if f else "" for f in found),
            ]
        )
    rest = {name: figure for name, figure in named.items() if not name.startswith(_COLUMNS)}
    caption = "Without mismatch, and the mean or sigma over cells; by the access transistor's mismatch alone."
    body = table(_HEADS, rows, range(7)) + figures_table(rest)
    return card("Programming by level", body, caption, [SIMULATED], "wide")


def _verify(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    g, gate, bottom = (np.asarray(nominal.first(f"verify_{name}")) for name in ("g", "gate", "bottom"))
    if len(gate) == 0:
        raise AbsentError("the cell of the sequence needed no pulse")
    factor, unit = scale(g, "S")
    figure = chart("pulses", titled("conductance read", unit))
    pulse = np.arange(len(g))
    figure.add_trace(line(pulse, g * factor, "verify read", BLUE, mode="lines+markers", showlegend=True))
    ends = np.full(2, g[-1] * factor)
    figure.add_trace(line(pulse[[0, -1]], ends, "reached", GREEN, line={"dash": "dash", "width": 1.5}))
    for name, mask, volts, symbol in (
        ("SET gate (right)", bottom == 0, gate, "circle"),
        ("RESET (right)", bottom > 0, bottom, "x"),
    ):
        if np.any(mask):
            marker = {"symbol": symbol, "size": 5}
            figure.add_trace(points(pulse[1:][mask], volts[mask], name, ORANGE, yaxis="y2", marker=marker))
    figure.update_layout(yaxis2=right_axis("voltage of the pulse (V)"), margin={"r": 64})
    caption = "Each pulse is a step above the one before it, until the read lies within the tolerance."
    return card("Convergence of program-and-verify", plot(figure, caption, 360), caption, [SIMULATED], "half")


def _pulses(run: RunSource) -> str:
    drawn = run.group(f"{_PART}/monte_carlo")
    target, pulses = (np.asarray(drawn.valid(name)) for name in ("target", "pulses"))
    levels = np.unique(target)
    figure = chart("pulses", "cells", barmode="stack")
    edges = np.arange(0, pulses.max() + 2) - 0.5
    for number, level in enumerate(levels):
        counts, _ = np.histogram(pulses[target == level], bins=edges)
        colour = shade(number, len(levels))
        figure.add_bar(x=np.arange(len(counts)), y=counts, name=quantity(float(level), "S"), marker_color=colour)
    caption = f"Pulses that {len(pulses)} cells took to their levels."
    if drawn.failed:
        caption += f" {drawn.failed} of {drawn.count} failed and are not drawn."
    return card("Pulses by level", plot(figure, caption, 360), caption, [SIMULATED], "half")


def _levels(run: RunSource) -> str:
    drawn = run.group(f"{_PART}/monte_carlo")
    target, g, reached = (np.asarray(drawn.valid(name)) for name in ("target", "conductance", "reached"))
    levels = np.unique(target)
    factor, unit = scale(g, "S")
    figure = chart(titled("conductance read", unit), "share of the level's cells")
    for number, level in enumerate(levels):
        ranked = np.sort(g[(target == level) & (reached == 1)]) * factor
        share = (np.arange(len(ranked)) + 0.5) / max(len(ranked), 1)
        figure.add_trace(points(ranked, share, quantity(float(level), "S"), shade(number, len(levels))))
        figure.add_vline(x=float(level) * factor, line={"color": GREEN, "dash": "dot", "width": 1})
    missed = int(np.sum(reached == 0))
    caption = f"Cells as the last verify read them; dotted, the targets. {missed} cells did not reach theirs."
    return card("Level distributions", plot(figure, caption, 360), caption, [SIMULATED], "half")


SECTION = Section(
    21,
    "ReRAM programming",
    (
        _figures,
        _verify,
        waves(
            _PART,
            "Pulses",
            "sequence_time",
            "sequence_i",
            {"gate": "sequence_gate"},
            "The whole sequence: each pulse is followed by its read.",
        ),
        _pulses,
        _levels,
    ),
    _PART,
    usual=False,
)
