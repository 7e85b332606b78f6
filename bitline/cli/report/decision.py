"""Blocks that the pages of clocked circuits have in common: a decision's waveforms, and its delay by the input."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitline.cli.report.chart import BLUE, chart, line, plot, scale, single, titled
from bitline.cli.report.markup import card
from bitline.cli.report.section import Block
from bitline.cli.report.source import RunSource
from bitline.core.figures import SIMULATED


def waveforms(part: str, title: str, prefix: str, nodes: Mapping[str, tuple[str, str]], caption: str) -> Block:
    """A block: voltages of nodes over `time`.

    Args:
        part: whose nominal record it is.
        title: of the card.
        prefix: of the fields, which are <prefix>_<node>.
        nodes: colour and dash by node.
        caption: below.
    """

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        time = np.asarray(nominal.first("time"))
        factor, unit = scale(time, "s")
        figure = chart(titled("time", unit), "voltage (V)")
        for node, (colour, dash) in nodes.items():
            wave = nominal.first(f"{prefix}_{node}")
            figure.add_trace(line(time * factor, wave, node, colour, line={"dash": dash}))
        return card(title, plot(figure, caption), caption, [SIMULATED], "half")

    return block


def delay(part: str, fields: tuple[str, str], said: str, caption: str) -> Block:
    """A block: the delay over a logarithmic axis of how far the input is beyond the flip.

    Args:
        part: whose nominal record it is.
        fields: of input and delay (s), shape (n,).
        said: what the input is.
        caption: below.
    """

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        beyond, taken = (np.asarray(nominal.first(name)) for name in fields)
        (x_factor, x_unit), (y_factor, y_unit) = scale(beyond, nominal.unit(fields[0])), scale(taken, "s")
        figure = chart(titled(said, x_unit), titled("delay", y_unit))
        figure.update_xaxes(type="log", tickvals=single(beyond * x_factor))
        figure.add_trace(line(beyond * x_factor, taken * y_factor, "nominal", BLUE, mode="lines+markers"))
        return card("Delay", plot(figure, caption, 270), caption, [SIMULATED], "half")

    return block
