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
from spice.sense_failure import decisions

_LOWEST = 1e-12  # a failure probability below this is not drawn
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


def _failures(run: RunSource) -> str:
    """Failure probability of a read of 1 against time, at several differences between the bit lines."""
    nominal, drawn = run.group("sense_amp/nominal"), run.group("sense_amp/monte_carlo")
    record = nominal.group.samples.record(0)
    found = decisions(record, drawn.group.samples) if "read_delay" in record else None
    if found is None:
        return ""
    own = float(record["read_difference"])
    differences = [own * share for share in (0.75, 1.0, 1.5, 2.0)]
    time = np.linspace(0.5, 4.0, 141) * float(found.start - found.tau * np.log(own))
    factor, unit = scale(time, "s")
    figure = chart(titled("time after the enable", unit), "wrong or undecided")
    for difference, colour in zip(differences, (ORANGE, BLUE, GREEN, PURPLE), strict=True):
        rate = found.failure(time, difference)
        shown = np.where(rate > _LOWEST, rate, np.nan)
        figure.add_trace(line(time * factor, shown, quantity(difference, "V"), colour))
    counted = np.asarray(drawn.valid("read_delay"), dtype=np.float64)
    late = np.array([np.mean(~(counted <= one)) for one in time])
    figure.add_trace(
        points(time[late > 0] * factor, late[late > 0], f"of {len(counted)} samples", SKY, marker={"size": 4})
    )
    figure.update_yaxes(type="log", exponentformat="power", range=[np.log10(_LOWEST), 0])
    caption = (
        "Probability that a read of 1 is wrong or undecided, by the difference between its bit lines; from the spread "
        f"of the offset and a regeneration of {quantity(found.tau, 's')}. Points: counted at {quantity(own, 'V')}."
    )
    return card("Failing decisions", plot(figure, caption, 330), caption, [MODELLED, SIMULATED], "half")


def _swept(name: str, title: str, x: str) -> Block:
    """Offset along one axis of the sweep, with its sigma as bars."""

    def block(run: RunSource) -> str:
        nominal = run.group("sense_amp/nominal")
        if f"sweep_{name}" not in nominal.group.samples.columns:
            return ""  # characterised without a sweep
        at, offset, sigma = (np.asarray(nominal.first(f"sweep_{name}{field}")) for field in ("", "_offset", "_sigma"))
        x_factor, x_unit = scale(at, nominal.unit(f"sweep_{name}"))
        y_factor, y_unit = scale(offset, "V")
        figure = chart(titled(x, x_unit), titled("offset", y_unit))
        bars = {"type": "data", "array": single(sigma * y_factor), "color": SKY}
        figure.add_trace(line(at * x_factor, offset * y_factor, "nominal", BLUE, mode="lines+markers", error_y=bars))
        caption = "Offset without mismatch; bars are one sigma of mismatch, linear in the shifts."
        return card(title, plot(figure, caption, 270), caption, [SIMULATED], "half")

    return block


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
        _failures,
        _swept("c_difference", "Offset against one-sided load", "load on dint_bar beyond that on dint"),
        _swept("c_internal", "Offset against common load", "load on each internal node"),
        _swept("below_vdd", "Offset against common mode", "common mode below the supply"),
        _swept("enable_slew", "Offset against slew", "rise time of the enable"),
    ),
    "sense_amp",
)
