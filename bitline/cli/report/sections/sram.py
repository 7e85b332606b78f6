"""The 6T cell: butterfly curves, margins, read current."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.butterfly import butterfly
from bitline.cli.report.chart import BLUE, ORANGE, chart, plot, points, scale, titled
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card, figures_table
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.core.figures import SIMULATED


def _figures(run: RunSource) -> str:
    run.group("sram/nominal")
    caption = (
        "Nominal is the cell without mismatch; mean and sigma are those of single cells, over the mismatch samples. "
        "A cell's SNM is that of its smaller lobe."
    )
    return card("6T cell", figures_table(run.figures("sram")), caption, width="wide")


def _trade(run: RunSource) -> str:
    """Stability in a read against ease of a write, a dot a cell: what sizing trades one for the other."""
    drawn = run.group("sram/monte_carlo")
    read, write = (np.asarray(drawn.valid(name)) for name in ("read_snm", "write_margin_bl"))
    x_factor, x_unit = scale(read, "V")
    y_factor, y_unit = scale(write, "V")
    figure = chart(titled("read SNM", x_unit), titled("write margin BL", y_unit))
    figure.add_trace(points(read * x_factor, write * y_factor, f"{len(read)} mismatch samples", BLUE, opacity=0.6))
    nominal = [np.array([float(run.group("sram/nominal").first(name))]) for name in ("read_snm", "write_margin_bl")]
    marker = {"size": 11, "symbol": "diamond"}
    figure.add_trace(points(nominal[0] * x_factor, nominal[1] * y_factor, "nominal", ORANGE, marker=marker))
    caption = (
        f"Correlation {np.corrcoef(read, write)[0, 1]:.2f}.".replace("-", "\N{MINUS SIGN}") if len(read) > 2 else ""
    )
    return card("Stability against writability", plot(figure, caption, 270), caption, [SIMULATED], "half")


SECTION = Section(
    40,
    "SRAM cell",
    (
        _figures,
        butterfly("read", "Read butterfly"),
        butterfly("hold", "Hold butterfly"),
        histogram("sram", "read_snm"),
        histogram("sram", "hold_snm"),
        histogram("sram", "write_margin_bl", "Write margin, bit line"),
        histogram("sram", "write_margin_wl", "Write margin, word line"),
        histogram("sram", "read_current"),
        _trade,
    ),
    "sram",
    usual=False,
)
