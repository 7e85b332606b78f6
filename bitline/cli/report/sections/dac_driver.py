"""The word line's driver: codes, step, load, loop gain and spread."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.amplifier import bias, curves, loop
from bitline.cli.report.chart import BLUE, GREY, ORANGE, SKY, chart, line, plot, points
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.core.figures import SIMULATED

_PART = "dac_driver"


def _codes(run: RunSource) -> str:
    """INL and DNL of the driver by code."""
    nominal = run.group(f"{_PART}/nominal")
    code, inl, dnl = (np.asarray(nominal.first(name)) for name in ("code", "code_inl", "code_dnl"))
    figure = chart("code", "nonlinearity (LSB)")
    figure.add_trace(line(code, inl, "INL", BLUE, mode="lines+markers"))
    figure.add_trace(points(code[1:], dnl, "DNL", ORANGE))
    caption = "Against the line through the end points, all cells of the word line on the output."
    return card("Nonlinearity by code", plot(figure, caption), caption, [SIMULATED], "half")


SECTION = Section(
    35,
    "Word-line driver",
    (
        figures(_PART, "Word-line driver", "A resistor string, a tree of switches and an amplifier in unity gain."),
        _codes,
        curves(
            _PART,
            "Step from code 0 to the top code",
            ("time", "time"),
            (("step_tap", "tap", GREY), ("step_out", "near end", BLUE), ("step_far", "far end of the line", SKY)),
            "With the word line and all its cells; what its wire takes at rest belongs to the array.",
        ),
        curves(
            _PART,
            "Output under load",
            ("swept_load", "load current"),
            (("swept_out", "output", BLUE),),
            "Top code, without the line; the slope is the output resistance, the knee the end of what it can drive.",
        ),
        loop(_PART),
        bias(_PART),
        histogram(_PART, "offset"),
        histogram(_PART, "inl", "INL"),
    ),
    _PART,
    usual=False,
)
