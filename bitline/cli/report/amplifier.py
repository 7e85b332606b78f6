"""What the pages of driver, transimpedance front end and integrator have in common: curves, loop gain, bias point."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, ORANGE, SKY, chart, line, plot, scale, titled
from bitline.cli.report.markup import card, pretty_unit, quantity
from bitline.cli.report.section import Block
from bitline.cli.report.source import AbsentError, RunSource
from bitline.core.figures import SIMULATED
from circuits.ota import TRANSISTORS

Style = tuple[str, str, str]  # field, label, colour
_KINDS = {"V": "voltage", "ohm": "transimpedance", "V/sqrt(Hz)": "noise density"}
_HIGHEST = 3e9  # Hz, of a loop gain that is shown


def curves(
    part: str, title: str, axes: tuple[str, str], styles: tuple[Style, ...], caption: str, *, log: str = ""
) -> Block:
    """A block: fields of a part's nominal record over another.

    Args:
        part: the part.
        title: of the card.
        axes: field of the x axis and what it is.
        styles: the fields that are drawn, all of one unit.
        caption: what is to be seen.
        log: the axes that are logarithmic, "" or "xy".
    """

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        name, said = axes
        x = np.asarray(nominal.first(name), dtype=np.float64)
        waves = {field: np.asarray(nominal.first(field), dtype=np.float64) for field, _, _ in styles}
        x_factor, x_unit = (1.0, nominal.unit(name)) if "x" in log else scale(x, nominal.unit(name))
        unit = nominal.unit(styles[0][0])
        y_factor, y_unit = (1.0, pretty_unit(unit)) if "y" in log else scale(np.concatenate(list(waves.values())), unit)
        figure = chart(titled(said, x_unit), titled(_KINDS[unit], y_unit))
        for field, label, colour in styles:
            figure.add_trace(line(x * x_factor, waves[field] * y_factor, label, colour))
        if "x" in log:
            figure.update_xaxes(type="log", exponentformat="SI")
        if "y" in log:
            figure.update_yaxes(type="log", exponentformat="SI")
        return card(title, plot(figure, caption), caption, [SIMULATED], "half")

    return block


def loop(part: str) -> Block:
    """A block: magnitude and phase of the loop gain of a part, with its margin."""

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        frequency, magnitude, phase = (
            np.asarray(nominal.first(f"loop_{name}"), dtype=np.float64) for name in ("frequency", "magnitude", "phase")
        )
        kept = frequency <= _HIGHEST
        figure = chart("frequency (Hz)", "loop gain (dB)")
        figure.add_trace(line(frequency[kept], 20 * np.log10(magnitude[kept]), "loop gain", BLUE))
        figure.add_trace(line(frequency[kept], phase[kept], "phase", ORANGE, yaxis="y2", line={"dash": "dash"}))
        figure.update_layout(
            yaxis2={
                "title": {"text": "phase (degrees)", "font": {"size": 13}, "standoff": 8},
                "tickfont": {"size": 12},
                "overlaying": "y",
                "side": "right",
                "showgrid": False,
                "zeroline": False,
                "dtick": 45,
            },
            xaxis={"type": "log", "exponentformat": "SI"},
            margin={"r": 60},
        )
        margin, crossing = (float(nominal.first(name)) for name in ("phase_margin", "unity_frequency"))
        caption = f"Phase margin {margin:.0f} degrees at {quantity(crossing, 'Hz')}."
        return card("Loop gain", plot(figure, caption), caption, [SIMULATED], "half")

    return block


def bias(part: str) -> Block:
    """A block: |v_ds| and v_dsat of each transistor of a part's amplifier."""

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        current, across, needed = (np.asarray(nominal.first(f"bias_{name}")) for name in ("id", "vds", "vdsat"))
        if len(current) != len(TRANSISTORS):
            raise AbsentError(f"{part!r} was characterised with another amplifier")
        names = [f"{name}, {quantity(float(i), 'A')}" for name, i in zip(TRANSISTORS, current, strict=True)]
        figure = chart("voltage (V)", "", barmode="group")
        figure.add_bar(y=names, x=across, name="drain to source", orientation="h", marker={"color": SKY})
        figure.add_bar(y=names, x=needed, name="needed for saturation", orientation="h", marker={"color": ORANGE})
        figure.update_yaxes(autorange="reversed")
        caption = "The amplifier at rest: every transistor is saturated where its upper bar is the longer."
        return card("Bias point", plot(figure, caption), caption, [SIMULATED], "half")

    return block
