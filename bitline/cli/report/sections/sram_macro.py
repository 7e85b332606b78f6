"""The macro: its critical path over a cycle, energy and leakage by component, timing."""

from __future__ import annotations

from bitline.cli.report.chart import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY
from bitline.cli.report.cycles import cycle, figures, spent
from bitline.cli.report.histogram import histogram
from bitline.cli.report.section import Section

_PART = "sram_macro"
_NETS = {
    "clk": (INK, "solid"),
    "wl_far": (GREY, "dash"),
    "pre_b": (GREY, "dot"),
    "rbl": (GREEN, "dot"),
    "en": (GREEN, "dash"),
    "sl": (BLUE, "solid"),
    "slb": (SKY, "solid"),
    "dout": (ORANGE, "solid"),
    "q": (PURPLE, "solid"),
    "qb": (PURPLE, "dot"),
}
_CAPTION = (
    "Times count from the clock at half the supply, at the farthest row and column; the sensing time counts from the "
    "far end of the word line."
)
_READ = "The replica bit line rbl times the enable en of the sense lines sl and slb."
_WRITTEN = "The far column's write: the nodes q and qb of the cell cross."

SECTION = Section(
    46,
    "SRAM macro",
    (
        figures(_PART, "Macro", _CAPTION, ("read_energy_", "write_energy_", "leakage_")),
        *(cycle(_PART, f"read_{bit}", _NETS, _READ) for bit in (0, 1)),
        *(cycle(_PART, f"write_{bit}", _NETS, _WRITTEN) for bit in (0, 1)),
        spent(_PART, {"read_energy": "a read", "write_energy": "a write"}, "Energy by component"),
        spent(_PART, {"leakage": "at rest"}, "Leakage by component"),
        histogram(_PART, "access_time"),
        histogram(_PART, "swing"),
    ),
    _PART,
    usual=False,
)
