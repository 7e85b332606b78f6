"""The comparator of a successive-approximation converter: decision, delay, noise and offset."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, chart, plot, scale, single, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.decision import delay, waveforms
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.core.figures import MODELLED

_PART = "sar_comparator"
_CAPTION = (
    "The delay counts from the clock at half the supply until the outputs are half a supply apart. Noise is referred "
    "to the input; metastability is the share of inputs that are not decided in time."
)
_NODES = {
    "clk": (GREY, "dash"),
    "inp": (SKY, "dot"),
    "inn": (GREEN, "dot"),
    "outp": (BLUE, "solid"),
    "outn": (ORANGE, "solid"),
}
_PAIRS = {"input": ("input pair", BLUE), "latch_n": ("latch NFETs", ORANGE), "latch_p": ("latch PFETs", PURPLE)}


def _noise(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    time = np.asarray(nominal.first("noise_time"))
    factor, unit = scale(time, "s")
    step = float(time[1] - time[0])
    figure = chart(titled("time", unit), "noise (mV²)", barmode="stack")
    for name, (label, colour) in _PAIRS.items():
        density = np.asarray(nominal.first(f"noise_{name}")) * step * 1e6
        figure.add_bar(x=single(time * factor), y=single(density), name=label, marker={"color": colour})
    caption = "What each pair adds to the variance at the input, by when in the decision its channel's noise acts."
    return card("Noise over the decision", plot(figure, caption, 270), caption, [MODELLED], "half")


SECTION = Section(
    31,
    "SAR comparator",
    (
        figures(_PART, "StrongARM comparator", _CAPTION),
        waveforms(_PART, "A decision", "decision1", _NODES, "Decides 1, 10 mV beyond its offset."),
        delay(
            _PART,
            ("overdrive", "overdrive_delay"),
            "overdrive",
            "Each factor e of overdrive below some millivolts takes one regeneration time constant more.",
        ),
        _noise,
        histogram(_PART, "offset", "Input-referred offset"),
    ),
    _PART,
    usual=False,
)
