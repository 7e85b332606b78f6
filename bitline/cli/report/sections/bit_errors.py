"""Read errors: their rate over supply, temperature and sensing time, from the samples of cells and amplifiers."""

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
from spice.bit_errors import RATES, Shmoo, shmoo
from spice.read_model import ReadModel, read_model

_PART = "bit_errors"
_TIMES = 60  # sensing times
_LOWEST = 1e-15  # a rate below this is shown as this: fits and draws say nothing of it
_MAPPED = 1e-6  # rate whose sensing time is mapped over supply and temperature
_COLOURS = (ORANGE, PURPLE, GREEN, SKY, BLUE)
_CAPTION = (
    "At the highest supply. Errors are those of reads: the bit lines have not moved apart by more than the amplifier's "
    "offset and the loss of moving lines when it is enabled. Sensing times are given for rates of both values together."
)


def _pictures(run: RunSource) -> str:
    """Of each temperature the shmoo and its rows as curves, and a map of all: cards of one computation."""
    model, found = _shmoo(run)
    factor, unit = scale(found.sensing, "s")
    slices = found.slices()
    cards = []
    for temperature, own in slices.items():
        at = f", {temperature:g} C" if len(slices) > 1 else ""
        cards += [_heat(own, factor, unit, at), _curves(own, factor, unit, at)]
    if len(slices) > 1:
        cards.append(_map(model))
    return "\n".join(cards)


def _shmoo(run: RunSource) -> tuple[ReadModel, Shmoo]:
    nominal = run.group(f"{_PART}/nominal").group.samples.record(0)
    if missing := {"loss", "seed"} - set(nominal):
        raise AbsentError(f"these samples lack the {min(missing)} of a read; characterise them again")
    try:
        model = read_model(nominal, run.group(f"{_PART}/monte_carlo").group.samples)
    except FitError as error:
        raise AbsentError(str(error)) from error
    longest = float(np.max(model.time[:, -1])) / 4
    found = shmoo(model, np.geomspace(float(np.min(nominal["sensing_time"])) / 4, longest, _TIMES))
    shown = int(np.sum(np.any(found.rate > _LOWEST, axis=0))) + 1  # rates fall with time
    return model, Shmoo(found.vdd, found.temperature, found.sensing[:shown], found.rate[:, :shown])


def _heat(found: Shmoo, factor: float, unit: str, at: str) -> str:
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
    return card(f"Shmoo: supply against sensing time{at}", plot(figure, caption, 360), caption, [MODELLED], "half")


def _curves(found: Shmoo, factor: float, unit: str, at: str) -> str:
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
    return card(f"Error rate against sensing time{at}", plot(figure, caption, 360), caption, [MODELLED], "half")


def _map(model: ReadModel) -> str:
    """Sensing time for one rate over supply and temperature."""
    degrees = np.unique(model.temperature)
    supplies = np.unique(model.vdd)
    times = np.array([[model.sensing_time(model.at(vdd, t), _MAPPED) for t in degrees] for vdd in supplies])
    factor, unit = scale(times, "s")
    figure = chart("temperature (C)", "supply (V)")
    figure.add_heatmap(
        z=single(times * factor),
        x=[f"{t:g}" for t in degrees],
        y=[f"{vdd:.3g}" for vdd in supplies],
        colorscale="Viridis_r",
        colorbar=colorbar(titled("sensing time", unit)),
        texttemplate="%{z:.3g}",
        hovertemplate="%{y} V, %{x} C: %{z:.3g} " + unit + "<extra></extra>",
    )
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False)
    caption = f"The sensing time at which the rate of both values has fallen to {_MAPPED:.0e}."
    return card("Shmoo: supply against temperature", plot(figure, caption, 360), caption, [MODELLED], "half")


SECTION = Section(
    45, "Read errors", (figures(_PART, "Read errors of a column", _CAPTION), _pictures), _PART, usual=False
)
