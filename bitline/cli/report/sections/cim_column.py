"""The column that computes: its discharge, a row's current, and the spread of that."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, ORANGE, PURPLE, chart, line, plot, scale, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card
from bitline.cli.report.section import Block, Section
from bitline.cli.report.source import RunSource
from bitline.core.figures import SIMULATED

_PART = "cim_column"
_CAPTION = (
    "Discharge error is that of the bit line's voltage from the dose alone (rows times pulse width), over pulses that "
    "its curve has not seen. Separability is what taking a row's factor as constant in the voltage costs."
)
_SHARES = {2: (BLUE, "solid"), 4: (ORANGE, "dash"), 8: (GREEN, "dot"), 16: (PURPLE, "dashdot")}


def _discharge(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    time = np.asarray(nominal.first("wave_time"))
    factor, unit = scale(time, "s")
    figure = chart(titled("time", unit), "bit line (V)")
    for share, (colour, dash) in _SHARES.items():
        wave = np.asarray(nominal.first(f"wave_{share}"))
        figure.add_trace(line(time * factor, wave, f"1/{share} of the rows on", colour, line={"dash": dash}))
    caption = "Rows that hold a 1 and are on together discharge the bit line in proportion to their number."
    return card("Discharge", plot(figure, caption, 340), caption, [SIMULATED], "half")


def _current(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    v, i = (np.asarray(nominal.first(f"current_{axis}")) for axis in "vi")
    factor, unit = scale(i, "A")
    figure = chart("bit line (V)", titled("current of a row", unit))
    figure.add_trace(line(v, i * factor, "row that holds a 1", BLUE))
    caption = "What bends it bends the discharge: the converter's codes are taken back to counts by the fitted curve."
    return card("Current of a row", plot(figure, caption, 340), caption, [SIMULATED], "half")


_BLOCKS: tuple[Block, ...] = (
    figures(_PART, "Column that computes", _CAPTION),
    _discharge,
    _current,
    histogram(_PART, "log_current", "ln of a row's current over the nominal"),
)

SECTION = Section(27, "Column that computes", _BLOCKS, _PART, usual=False)
