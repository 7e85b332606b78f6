"""Random telegraph noise of the ReRAM cell: the trace, its spectrum, and reads that integrate it."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, chart, line, plot, scale, titled
from bitline.cli.report.cycles import figures
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.cli.report.sweep import sweep
from bitline.core.figures import MODELLED, SIMULATED

_PART = "reram_noise"


def _trace(run: RunSource) -> str:
    nominal = run.group(f"{_PART}/nominal")
    time, current = (np.asarray(nominal.first(name)) for name in ("trace_time", "trace_i"))
    (slower, unit), (factor, shown) = scale(time, "s"), scale(current, "A")
    figure = chart(titled("time", unit), titled("current", shown))
    figure.add_trace(line(time * slower, current * factor, "read current", BLUE, line={"width": 1.2}))
    caption = "The start of the trace: the current is low while the trap is full."
    return card("Telegraph noise", plot(figure, caption, 340), caption, [SIMULATED], "half")


SECTION = Section(
    26,
    "ReRAM noise",
    (
        figures(_PART, "Telegraph noise", "A trap of given times and amplitude on the device, read through the cell."),
        _trace,
        sweep(
            _PART,
            "Spectrum",
            "psd_frequency",
            {"simulated": "psd", "Lorentzian": "psd_fit"},
            ("frequency", "power spectral density"),
            "One-sided; the fitted Lorentzian has what sampling folds back.",
            log="xy",
        ),
        sweep(
            _PART,
            "Noise of a read",
            "integrated",
            {"simulated": "integrated_sigma", "two-state theory": "integrated_expected"},
            ("integration time", "sigma over mean"),
            "A read that integrates for longer than the trap's times averages it out.",
            log="xy",
            kinds=(SIMULATED, MODELLED),
        ),
        histogram(_PART, "occupied", "Occupied trap"),
        histogram(_PART, "capture_time"),
        histogram(_PART, "emission_time"),
    ),
    _PART,
    usual=False,
)
