"""The latch sense amplifier: its decision in time, offset and delay."""

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
    line,
    plot,
    points,
    scale,
    single,
    titled,
)
from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card, figures_table, quantity
from bitline.cli.report.section import Block, Section
from bitline.cli.report.source import AbsentError, Floats, RunSource
from bitline.core.figures import MODELLED, SIMULATED

_NODES = {
    "en": (GREY, "dash"),
    "bl": (SKY, "dot"),
    "br": (GREEN, "dot"),
    "dint": (BLUE, "solid"),
    "dint_bar": (PURPLE, "solid"),
    "dout": (ORANGE, "solid"),
}


def _figures(run: RunSource) -> str:
    run.group("sense_amp/nominal")
    caption = (
        "The offset is the input difference with 50 % decisions; the delay counts from the enable at half the supply "
        "to the output at half the supply."
    )
    return card("Latch sense amplifier", figures_table(run.figures("sense_amp")), caption, width="wide")


def _waveform(bit: int) -> Block:
    def block(run: RunSource) -> str:
        nominal = run.group("sense_amp/nominal")
        time = np.asarray(nominal.first("time"))
        factor, unit = scale(time, "s")
        figure = chart(titled("time", unit), "voltage (V)")
        for node, (colour, dash) in _NODES.items():
            wave = nominal.first(f"read{bit}_{node}")
            figure.add_trace(line(time * factor, wave, node, colour, line={"dash": dash}))
        difference = float(nominal.first(f"read{bit}_br")[0] - nominal.first(f"read{bit}_bl")[0])
        caption = f"Reads a {bit} at an input difference v(br) \N{MINUS SIGN} v(bl) of {quantity(difference, 'V')}."
        return card(f"Read of {bit}", plot(figure, caption), caption, [SIMULATED], "half")

    return block


def _delay(run: RunSource) -> str:
    """Delay against overdrive: nominal points, mismatch samples, and the fitted model over its range."""
    nominal = run.group("sense_amp/nominal")
    overdrive, delay = (np.asarray(nominal.first(name)) for name in ("overdrive", "overdrive_delay"))
    x_factor, x_unit = scale(overdrive, "V")
    y_factor, y_unit = scale(delay, "s")
    figure = chart(titled("overdrive", x_unit), titled("delay", y_unit))
    figure.update_xaxes(type="log", tickvals=single(overdrive[::2] * x_factor))
    try:
        x, y = _samples(run, float(nominal.first("delay_difference")))
        figure.add_trace(points(x * x_factor, y * y_factor, f"{len(x)} mismatch samples", SKY, marker={"size": 4}))
    except AbsentError:
        pass  # none were drawn: the nominal amplifier stands alone
    kinds = [SIMULATED]
    model = run.model.models.get("sense_amp.delay")
    if model is not None:
        inside = np.geomspace(model.inputs[0].low, model.inputs[0].high, 60)
        figure.add_trace(line(inside * x_factor, model(inside) * y_factor, "fitted model", GREY))
        kinds.append(MODELLED)
    figure.add_trace(points(overdrive * x_factor, delay * y_factor, "nominal", BLUE, marker={"size": 8}))
    caption = "Overdrive is the input difference beyond the sample's own offset."
    return card("Delay", plot(figure, caption, 270), caption, kinds, "half")


def _samples(run: RunSource, difference: float) -> tuple[Floats, Floats]:
    drawn = run.group("sense_amp/monte_carlo")
    return np.asarray(np.abs(drawn.valid("offset") - difference)), np.asarray(drawn.valid("delay"))


SECTION = Section(
    30,
    "Sense amplifier",
    (
        _figures,
        _waveform(0),
        _waveform(1),
        _delay,
        histogram("sense_amp", "offset", "Input-referred offset"),
        histogram("sense_amp", "delay", "Delay under mismatch"),
    ),
    "sense_amp",
)
