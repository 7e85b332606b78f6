"""The current sense amplifier: an access to either level, delay, and the offset against sensing time."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, chart, line, plot, scale, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.decision import delay, waveforms
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card
from bitline.cli.report.section import Block, Section
from bitline.cli.report.source import RunSource
from bitline.core.figures import MODELLED

_PART = "current_sense"
_CAPTION = (
    "Differences are the cell's current less the reference cell's. The read margin is how many standard deviations of "
    "offset and conductance lie between a level and the threshold."
)
_NODES = {
    "wl": (GREY, "dash"),
    "bl": (SKY, "solid"),
    "br": (GREEN, "dot"),
    "sa": (BLUE, "solid"),
    "sb": (PURPLE, "dot"),
    "outp": (ORANGE, "solid"),
}


def _access(level: str, said: str) -> Block:
    caption = f"The word line opens the cell, the bit line settles, the sense nodes fall, and the cell reads as {said}."
    return waveforms(_PART, f"Read of {level.upper()}", level, _NODES, caption)


def _sensing(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    time, sigma = (np.asarray(nominal.first(f"sensing_{name}")) for name in ("time", "sigma"))
    (x_factor, x_unit), (y_factor, y_unit) = scale(time, "s"), scale(3 * sigma, "A")
    figure = chart(titled("sensing time", x_unit), titled("3 sigma of the offset", y_unit), showlegend=False)
    figure.add_trace(line(time * x_factor, 3 * sigma * y_factor, "3 sigma", BLUE, mode="lines+markers"))
    figure.update_yaxes(rangemode="tozero")
    caption = (
        "The smallest current difference that 3 sigma of mismatch leave: a longer sensing time divides the "
        "comparator's share, the clamps' share stays."
    )
    return card("Resolvable current", plot(figure, caption, 270), caption, [MODELLED], "half")


SECTION = Section(
    34,
    "Current sense amplifier",
    (
        figures(_PART, "Current sense amplifier", _CAPTION),
        _access("lrs", "1"),
        _access("hrs", "0"),
        delay(
            _PART,
            ("curve_difference", "curve_delay"),
            "current difference",
            "From the comparator's clock, the difference counted beyond the offset.",
        ),
        _sensing,
        histogram(_PART, "offset", "Offset as a current difference"),
        histogram(_PART, "clamp_voltage", "Bit-line voltage under mismatch"),
    ),
    _PART,
    usual=False,
)
