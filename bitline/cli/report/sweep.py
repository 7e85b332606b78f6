"""Blocks that draw fields of a nominal record against one another: sweeps, and waveforms of current and voltage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bitline.cli.report.chart import BLUE, GREY, INK, ORANGE, Array, chart, line, plot, scale, single, titled
from bitline.cli.report.markup import card, quantity, words
from bitline.cli.report.section import Block
from bitline.cli.report.source import RunSource
from bitline.core.figures import SIMULATED


def shade(number: int, count: int) -> str:
    """The colour of row `number` of `count` that follow each other: from pale to dark blue."""
    share = number / max(count - 1, 1)
    return f"rgb({int(86 - 86 * share)},{int(180 - 112 * share)},{int(233 - 140 * share)})"


def right_axis(title: str) -> dict[str, Any]:
    """The look of a second axis, to the right, for a layout's ``yaxis2``."""
    look = {"overlaying": "y", "side": "right", "showgrid": False, "zeroline": False, "tickmode": "auto"}
    return {
        **look,
        "title": {"text": title, "standoff": 8, "font": {"size": 13}},
        "tickfont": {"size": 12},
        "automargin": True,
    }


def sweep(
    part: str,
    title: str,
    x: str,
    y: str | Mapping[str, str],
    labels: tuple[str, str],
    caption: str,
    *,
    rows: str = "",
    log: str = "",
    kinds: Sequence[str] = (SIMULATED,),
) -> Block:
    """A block: fields over a field.

    Args:
        part: whose nominal record it is.
        title: of the card.
        x: field, shape (n,).
        y: field, shape (n,) or (rows, n), or several of one unit by the names of their lines.
        labels: of the axes, without units.
        caption: below.
        rows: the field that names the rows of y, by its values.
        log: axes that are logarithmic, of "xy".
        kinds: of the numbers.
    """

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        at, shown_x = _axis(np.asarray(nominal.first(x)), nominal.unit(x), logarithmic="x" in log)
        fields = {"": y} if isinstance(y, str) else dict(y)
        columns = {name: np.asarray(nominal.first(field), dtype=np.float64) for name, field in fields.items()}
        unit = nominal.unit(next(iter(fields.values())))
        every = np.concatenate([np.ravel(column) for column in columns.values()])
        factor, shown_y = _factor(every, unit, logarithmic="y" in log)
        figure = chart(titled(labels[0], shown_x), titled(labels[1], shown_y))
        named = (nominal.first(rows), nominal.unit(rows)) if rows else (None, "")
        for name, curve, colour in _curves(columns, *named):
            more = {"mode": "lines+markers"} if len(at) <= _MARKED else {}
            figure.add_trace(line(at, curve * factor, name, colour, showlegend=bool(name), **more))
        for axis, update in (("x", figure.update_xaxes), ("y", figure.update_yaxes)):
            if axis in log:
                update(type="log", exponentformat="power")
        return card(title, plot(figure, caption, 340), caption, kinds, "half")

    return block


def waves(part: str, title: str, time: str, current: str, voltages: Mapping[str, str], caption: str) -> Block:
    """A block: a current over time, and voltages on an axis of their own to the right, fields by their labels."""

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        at, unit = _axis(np.asarray(nominal.first(time)), "s", logarithmic=False)
        i = np.asarray(nominal.first(current))
        factor, shown = scale(i, "A")
        figure = chart(titled("time", unit), titled("current", shown))
        figure.add_trace(line(at, i * factor, "current", BLUE, showlegend=True))
        for (label, name), colour in zip(voltages.items(), (ORANGE, GREY, INK), strict=False):
            style = {"width": 1.5, "dash": "dash"}
            volts = np.asarray(nominal.first(name))
            figure.add_trace(line(at, volts, f"{label} (right)", colour, line=style, yaxis="y2"))
        figure.update_layout(yaxis2=right_axis("voltage (V)"), margin={"r": 64}, showlegend=True)
        return card(title, plot(figure, caption, 340), caption, [SIMULATED], "half")

    return block


def transistor(part: str, fields: Mapping[str, str], rated: str, caption: str) -> Block:
    """A block: bars of the voltages on a select transistor, fields by their labels, and the field `rated` as a line."""

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        values = np.array([float(nominal.first(name)) for name in fields.values()])
        figure = chart("voltage (V)", "", showlegend=False)
        figure.add_bar(
            x=single(values),
            y=list(fields),
            orientation="h",
            marker={"color": BLUE},
            text=[f" {quantity(value, 'V')}" for value in values],
            textposition="outside",
            cliponaxis=False,
        )
        bears = float(nominal.first(rated))
        figure.add_vline(x=bears, line={"color": ORANGE, "dash": "dash", "width": 2})
        said = f"{words(rated)} {quantity(bears, 'V')}"
        figure.add_annotation(x=bears, y=1.0, yref="paper", yanchor="bottom", showarrow=False, text=said)
        figure.update_xaxes(range=[0, 1.2 * max(bears, float(values.max()))])
        figure.update_layout(margin={"t": 30})
        return card("Voltages on the select transistor", plot(figure, caption, 270), caption, [SIMULATED], "half")

    return block


_MARKED = 20  # points of a curve up to which each is marked


def _axis(values: Array, unit: str, *, logarithmic: bool) -> tuple[Array, str]:
    factor, shown = _factor(values, unit, logarithmic=logarithmic)
    return values * factor, shown


def _factor(values: Array, unit: str, *, logarithmic: bool) -> tuple[float, str]:
    if logarithmic or unit in ("C", "1"):
        return 1.0, {"1": "", "C": "°C"}.get(unit, unit)
    return scale(values, unit)


def _curves(columns: Mapping[str, Array], rows: Array | None, unit: str) -> list[tuple[str, Array, str]]:
    """Name, values and colour of every line."""
    if rows is None:
        colours = (BLUE, ORANGE, GREY)
        return [(name, each, colour) for (name, each), colour in zip(columns.items(), colours, strict=False)]
    (table,) = columns.values()
    named = zip(rows, table, strict=True)
    return [(quantity(float(row), unit), each, shade(k, len(table))) for k, (row, each) in enumerate(named)]
