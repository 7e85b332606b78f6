"""The column that computes: its discharge, a row's current, the spread of that, and what a read does to 6T cells."""

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
    "its curve has not seen. Separability is what taking a row's factor as constant in the voltage costs. 6T: the "
    "disturb index is that of a cell of the other value where all rows empty the bit line: a read flips it with the "
    "probability that a standard normal lies beyond; the ratio is what importance sampling in ngspice gives over that."
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


def _disturb(run: RunSource) -> str:
    """How likely a read that empties the bit line flips a 6T cell, over the word line's voltage."""
    from scipy.special import ndtr

    nominal = run.group(f"{_PART}/nominal")
    if "disturb_beta" not in nominal.names:
        return ""
    lines, rows, beta = (np.asarray(nominal.first(f"disturb_{name}")) for name in ("line", "rows", "beta"))
    figure = chart("word line (V)", "probability of a flip")
    figure.update_yaxes(type="log", exponentformat="power")
    for number, (colour, dash) in zip(range(len(rows) - 1, -1, -1), _SHARES.values(), strict=False):
        chance = ndtr(-beta[:, number, 0])
        figure.add_trace(line(lines, chance, f"{rows[number]:.0f} rows on", colour, line={"dash": dash}))
    caption = (
        "A 6T cell of the other value in a read that empties the bit line, by the distance at which its transient "
        f"flips, to first order; what is less likely than {ndtr(-float(beta.max())):.0e} is not followed further."
    )
    return card("Read disturb", plot(figure, caption, 340), caption, [SIMULATED], "half")


def _flip_time(run: RunSource) -> str:
    """When a cell without mismatch flips, over the rows that are on."""
    nominal = run.group(f"{_PART}/nominal")
    if "flip_time" not in nominal.names:
        return ""
    lines, rows, times = (np.asarray(nominal.first(name)) for name in ("disturb_line", "disturb_rows", "flip_time"))
    flips = np.isfinite(times).any(axis=1)
    if not flips.any():
        return ""
    factor, unit = scale(times[np.isfinite(times)], "s")
    figure = chart("rows on", titled("time to flip", unit))
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log")
    for number, (colour, dash) in zip(np.flatnonzero(flips)[::-1], _SHARES.values(), strict=False):
        shown = np.where(np.isfinite(times[number]), times[number], np.nan) * factor
        figure.add_trace(line(rows, shown, f"word line at {lines[number]:.2g} V", colour, line={"dash": dash}))
    spared = ", ".join(f"{each:.2g}" for each in lines[~flips])
    caption = "From the word lines' start until q and qb of the cell cross, on the floating bit line."
    if spared:
        caption += f" At {spared} V it never does."
    return card("Time to flip", plot(figure, caption, 340), caption, [SIMULATED], "half")


_BLOCKS: tuple[Block, ...] = (
    figures(_PART, "Column that computes", _CAPTION),
    _discharge,
    _current,
    _disturb,
    _flip_time,
    histogram(_PART, "log_current", "ln of a row's current over the nominal"),
)

SECTION = Section(18, "Column that computes", _BLOCKS, _PART, usual=False)
