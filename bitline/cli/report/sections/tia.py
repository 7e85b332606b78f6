"""The transimpedance front end: transfer, step, gain, noise, loop gain and spread."""

from __future__ import annotations

from bitline.cli.report.amplifier import bias, curves, loop
from bitline.cli.report.chart import BLUE, GREEN, ORANGE
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.section import Section

_PART = "tia"

SECTION = Section(
    36,
    "Transimpedance front end",
    (
        figures(_PART, "Transimpedance front end", "An amplifier with a feedback resistor holds the bit line."),
        curves(
            _PART,
            "Transfer",
            ("current", "current into the bit line's end"),
            (("v_out", "output", BLUE), ("v_in", "input", ORANGE)),
            "Swept to twice full scale. The input rises by the current times the input resistance.",
        ),
        curves(
            _PART,
            "Step of full-scale current",
            ("time", "time"),
            (("step_out", "output", BLUE), ("step_in", "input", ORANGE)),
            "With the line's capacitance and all its cells.",
        ),
        curves(
            _PART,
            "Gain over frequency",
            ("frequency", "frequency"),
            (("gain", "transimpedance", BLUE),),
            "Small signal, without current.",
            log="xy",
        ),
        curves(
            _PART,
            "Output noise",
            ("noise_frequency", "frequency"),
            (("noise_density", "noise density", GREEN),),
            "Amplifier, feedback resistor, wire and cells; transistors' noise by their cards.",
            log="xy",
        ),
        loop(_PART),
        bias(_PART),
        histogram(_PART, "offset"),
    ),
    _PART,
    usual=False,
)
