"""Read errors: their rate over supply and sensing time, from the samples of cells and amplifiers."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    chart,
    colorbar,
    line,
    plot,
    scale,
    single,
    titled,
)
from bitline.cli.report.cycles import figures
from bitline.cli.report.markup import card
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.core.errors import FitError
from bitline.core.figures import MODELLED
from spice.bit_errors import RATES, Shmoo, read_model, shmoo

_PART = "bit_errors"
_TIMES = 60  # sensing times
_LOWEST = 1e-15  # a rate below this is shown as this: fits and draws say nothing of it
_COLOURS = (ORANGE, PURPLE, GREEN, SKY, BLUE)
_CAPTION = (
    "At the highest supply. Errors are those of reads: the bit lines have not moved apart by more than the amplifier's "
    "offset when it is enabled. Sensing times are given for rates of both values together."
)


def _pictures(run: RunSource) -> str:
    """The shmoo and its rows as curves: two cards of one computation."""
    found = _shmoo(run)
    factor, unit = scale(found.sensing, "s")
    return _heat(found, factor, unit) + "\n" + _curves(found, factor, unit)


def _shmoo(run: RunSource) -> Shmoo:
    nominal = run.group(f"{_PART}/nominal").group.samples.record(0)
    try:
        model = read_model(nominal, run.group(f"{_PART}/monte_carlo").group.samples)
    except FitError as error:
        raise AbsentError(str(error)) from error
    longest = float(np.max(model.time[:, -1])) / 4
    found = shmoo(model, np.geomspace(float(nominal["sensing_time"]) / 4, longest, _TIMES))
    shown = int(np.sum(np.any(found.rate > _LOWEST, axis=0))) + 1  # rates fall with time
    return Shmoo(found.vdd, found.sensing[:shown], found.rate[:, :shown])


def _heat(found: Shmoo, factor: float, unit: str) -> str:
    rate = np.log10(np.maximum(found.rate, _LOWEST))
    figure = chart(titled("sensing time", unit), "supply (V)")
    ticks = np.arange(0, np.log10(_LOWEST) - 1, -3)
    bar = {**colorbar("error rate"), "tickvals": ticks, "ticktext": [f"1e{tick:.0f}" for tick in ticks]}
    bar["ticktext"][-1] = f"\N{LESS-THAN OR EQUAL TO} {bar['ticktext'][-1]}"
    figure.add_heatmap(
        z=single(rate),
        x=single(found.sensing * factor),
        y=single(found.vdd),
        zmin=np.log10(_LOWEST),
        zmax=0,
        colorscale="Viridis",
        colorbar=bar,
        customdata=single(found.rate),
        hovertemplate="%{y:.3g} V, %{x:.3g} " + unit + ": %{customdata:.2g}<extra></extra>",
    )
    if len(found.vdd) > 1:
        figure.add_contour(
            z=single(rate),
            x=single(found.sensing * factor),
            y=single(found.vdd),
            contours={"coloring": "none", "showlabels": True, "start": -9, "end": -3, "size": 3},
            line={"color": "#ffffff", "width": 1.5},
            showscale=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(type="log", showgrid=False)
    figure.update_yaxes(showgrid=False, tickvals=single(found.vdd), tickformat=".3g")
    caption = "Bit-error rate of reads, mean of both values; lines at 1e-3, 1e-6 and 1e-9 (labels are powers of ten)."
    return card("Shmoo: supply against sensing time", plot(figure, caption, 360), caption, [MODELLED], "half")


def _curves(found: Shmoo, factor: float, unit: str) -> str:
    figure = chart(titled("sensing time", unit), "error rate")
    for index, (vdd, rate) in enumerate(zip(found.vdd, found.rate, strict=True)):
        shown = np.where(rate > _LOWEST, rate, np.nan)
        colour = _COLOURS[index % len(_COLOURS)]
        figure.add_trace(line(found.sensing * factor, shown, f"{vdd:.3g} V", colour))
    for rate in RATES:
        figure.add_hline(y=rate, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_yaxes(type="log", exponentformat="power", dtick=3, range=[np.log10(_LOWEST), 0])
    figure.update_xaxes(type="log")
    caption = f"The same by supply; rates below {_LOWEST:.0e} are not drawn. Dotted: 1e-3, 1e-6 and 1e-9."
    return card("Error rate against sensing time", plot(figure, caption, 360), caption, [MODELLED], "half")


SECTION = Section(
    36, "Read errors", (figures(_PART, "Read errors of a column", _CAPTION), _pictures), _PART, usual=False
)
