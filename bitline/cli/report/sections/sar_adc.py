"""A successive-approximation converter: a conversion in time, nonlinearity by its capacitors, offset."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREY, ORANGE, PALE, chart, joined, line, plot, scale, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.core.figures import MODELLED, SIMULATED

_PART = "sar_adc"
_CAPTION = (
    "Energy is that of one conversion and of charging the array again, the ideal register left out. Capacitors are "
    "drawn with the PDK's matching; the comparator's offset shifts the whole curve."
)
_DRAWN = 40  # samples in the picture of the nonlinearity


def _conversion(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    time = np.asarray(nominal.first("time"))
    factor, unit = scale(time, "s")
    figure = chart(titled("time", unit), "voltage (V)")
    codes = np.asarray(nominal.first("conversion_code"))
    figure.add_trace(line(time * factor, nominal.first("conversion_top"), "common plate", BLUE))
    figure.add_trace(line(time * factor, nominal.first("conversion_clk"), "clock", PALE, line={"width": 1}))
    span = np.asarray(run.group(f"{_PART}/nominal").first("transitions")).size + 1
    code = line(time * factor, codes, "register", ORANGE, line={"dash": "dot"}, yaxis="y2")
    figure.add_trace(code)
    figure.update_layout(
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "title": {"text": "code"},
            "showgrid": False,
            "dtick": span / 8,
            "range": [0, span],
        }
    )
    figure.update_layout(margin={"r": 50})
    caption = (
        f"Converts to {int(codes[-1])}: each trial pulls the common plate down, and keeps its bit where the plate "
        "stays above the common mode."
    )
    return card("A conversion", plot(figure, caption), caption, [SIMULATED], "wide")


def _linearity(run: RunSource) -> str:
    steps = np.asarray(run.group(f"{_PART}/monte_carlo").valid("transitions"))[:_DRAWN]
    count = steps.shape[1]
    lsb = (steps[:, -1:] - steps[:, :1]) / (count - 1)
    inl = (steps - steps[:, :1]) / lsb - np.arange(count)
    figure = chart("code", "INL (LSB)", showlegend=False)
    codes = np.broadcast_to(np.arange(1.0, count + 1), inl.shape)
    figure.add_trace(line(joined(codes), joined(inl), "samples", GREY, line={"width": 0.7}))
    figure.add_trace(line(np.arange(1.0, count + 1), np.std(inl, axis=0), "sigma", ORANGE))
    caption = f"INL of {len(steps)} drawn arrays, and their standard deviation."
    return card("Integral nonlinearity", plot(figure, caption, 270), caption, [MODELLED], "half")


SECTION = Section(
    32,
    "SAR converter",
    (
        figures(_PART, "SAR converter", _CAPTION),
        _conversion,
        _linearity,
        histogram(_PART, "offset", "Offset of the comparator"),
    ),
    _PART,
    usual=False,
)
