"""The integrating front end: its cycles, loop gain and spread."""

from __future__ import annotations

from bitline.cli.report.amplifier import bias, curves, loop
from bitline.cli.report.chart import BLUE, GREEN, GREY, ORANGE, SKY
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.section import Section

_PART = "integrator"

SECTION = Section(
    37,
    "Integrating front end",
    (
        figures(_PART, "Integrating front end", "A feedback capacitor, reset by a switch."),
        curves(
            _PART,
            "Cycles",
            ("time", "time"),
            (
                ("cycle_reset", "reset", GREY),
                ("cycle_in", "input, full scale", ORANGE),
                ("cycle_out_0", "output, no current", GREEN),
                ("cycle_out_1", "output, half of full scale", SKY),
                ("cycle_out_2", "output, full scale", BLUE),
            ),
            "Reset, integration, hold and the next reset.",
        ),
        loop(_PART),
        bias(_PART),
        histogram(_PART, "offset"),
        histogram(_PART, "pedestal"),
    ),
    _PART,
    usual=False,
)
