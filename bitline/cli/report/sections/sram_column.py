"""The column: its four cycles, energy by component, and access time against sensing time."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, chart, line, plot, points, scale, titled
from bitline.cli.report.cycles import cycle, figures, spent
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card, quantity
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.core.figures import SIMULATED

_PART = "sram_column"
_NETS = {
    "wl": (GREY, "dash"),
    "pre_b": (GREY, "dot"),
    "en": (GREEN, "dash"),
    "sl": (BLUE, "solid"),
    "slb": (SKY, "solid"),
    "dout": (ORANGE, "solid"),
    "q": (PURPLE, "solid"),
    "qb": (PURPLE, "dot"),
}
_CAPTION = (
    "Times count from the word line at half the supply. Nominal is the column without mismatch; mean and sigma are "
    "over the mismatch samples of its open cell and its amplifier."
)
_READ = "The sense lines sl and slb part until the enable en; dout is the output, q and qb the cell."
_WRITTEN = "The write driver pulls the lines apart, and the nodes q and qb of the cell cross."


def _access(run: RunSource) -> str:
    """Access time against sensing time: what an early enable gains, and where it misreads."""
    nominal = run.group(f"{_PART}/nominal")
    sensing, access, zero, one = (
        np.asarray(nominal.first(f"swept_{name}"), dtype=np.float64)
        for name in ("sensing_time", "access_time", "reads_0", "reads_1")
    )
    factor, unit = scale(np.concatenate([sensing, access]), "s")
    figure = chart(titled("sensing time", unit), titled("access time", unit))
    reads = (zero > 0) & (one > 0)
    figure.add_trace(line(sensing * factor, access * factor, "reads of 1", SKY))
    figure.add_trace(points(sensing[reads] * factor, access[reads] * factor, "both values read", BLUE))
    if (~reads).any():
        floor = np.full(int(np.sum(~reads)), float(np.min(access, initial=np.inf, where=reads)))
        cross = {"symbol": "x", "size": 9}
        figure.add_trace(points(sensing[~reads] * factor, floor * factor, "a value misreads", ORANGE, marker=cross))
    x, y = (float(nominal.first(name)) for name in ("sensing_time", "access_time"))
    diamond = {"symbol": "diamond", "size": 11}
    figure.add_trace(points(np.array([x * factor]), np.array([y * factor]), "as characterised", GREEN, marker=diamond))
    caption = f"The column is characterised at a sensing time of {quantity(x, 's')}; an enable too early misreads."
    return card("Access against sensing time", plot(figure, caption, 340), caption, [SIMULATED], "half")


SECTION = Section(
    44,
    "SRAM column",
    (
        figures(_PART, "Column", _CAPTION, ("read_energy_", "write_energy_")),
        *(cycle(_PART, f"read_{bit}", _NETS, _READ) for bit in (0, 1)),
        *(cycle(_PART, f"write_{bit}", _NETS, _WRITTEN) for bit in (0, 1)),
        spent(_PART, {"read_energy": "a read", "write_energy": "a write"}, "Energy by component"),
        _access,
        histogram(_PART, "bit_line_time_0", "Bit-line time, a stored 0"),
        histogram(_PART, "bit_line_time_1", "Bit-line time, a stored 1"),
        histogram(_PART, "access_time"),
    ),
    _PART,
    usual=False,
)
