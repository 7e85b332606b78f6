"""The ReRAM device and its 1T1R cell: switching, reading, programmed levels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, GREY, ORANGE, PURPLE, chart, line, plot, points, scale, titled
from bitline.cli.report.markup import badge, card, figures_table, quantity, table, text, words
from bitline.cli.report.section import Block, Section
from bitline.cli.report.source import Columns, RunSource
from bitline.cli.report.sweep import shade
from bitline.core.figures import PUBLISHED, SIMULATED, Figure
from bitline.core.units import parse_quantity

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
_GIVEN = "programmed_sigma"  # an input, published or measured by the user
_BY_LEVEL = (_GIVEN, "conductance_mean", "conductance_sigma")
_SHAPE = ("cell_nonlinearity", "device_nonlinearity", "cell_bend", "device_bend")


def _figures(run: RunSource) -> str:
    run.group("reram/nominal")
    shown = {name: figure for name, figure in run.figures("reram").items() if _level(name) is None}
    caption = "Of the cell at the read voltage, gate at the supply; the leakage with its gate at 0."
    return card("ReRAM device and 1T1R cell", figures_table(shown), caption, width="half")


def _named(run: RunSource) -> dict[str, dict[str, Figure]]:
    """The figures that a level has, by their column, by level."""
    run.group("reram/nominal")
    levels: dict[str, dict[str, Figure]] = {}
    for name, figure in run.figures("reram").items():
        split = _level(name)
        if split is not None:
            levels.setdefault(split[1], {})[split[0]] = figure
    return levels


def _shape_table(run: RunSource) -> str:
    rows = [
        [
            text(quantity(parse_quantity(level, "S"), "S")),
            *(text(quantity(named[c].value, named[c].unit)) for c in _SHAPE),
        ]
        for level, named in _named(run).items()
        if all(column in named for column in _SHAPE)
    ]
    heads = ("level", "cell", "device", "k, cell", "k, device")
    caption = "Cell and device: I(2V) / 2 I(V) \N{MINUS SIGN} 1 at the read voltage V. k: of I ~ sinh(k V), fitted."
    return card("Nonlinearity of the read", table(heads, rows, range(5)), caption, [SIMULATED], "half")


def _levels_table(run: RunSource) -> str:
    levels = _named(run)
    given = {(each.kind, each.source) for named in levels.values() for name, each in named.items() if name == _GIVEN}
    rows = []
    for level, named in levels.items():
        found = [named.get(column) for column in _BY_LEVEL]
        cells = [text(quantity(each.value, each.unit)) if each else "" for each in found]
        rows.append([text(quantity(parse_quantity(level, "S"), "S")), *cells])
    body = table(("target", "given sigma", "mean as read", "sigma as read"), rows, range(4))
    said = "".join(f"<p class='under'>Given sigma: {badge(*each)}</p>" for each in sorted(given))
    return card(
        "Conductance levels",
        body + said,
        "Sigma as read has the access transistor's mismatch in it, and lacks what the device cannot reach.",
        [SIMULATED],
        "half",
    )


def _level(name: str) -> tuple[str, str] | None:
    """A figure's name cut into the column and the level that it is of, as "20uS"."""
    column, _, level = name.rpartition("_")
    return (column, level) if column in (*_BY_LEVEL, *_SHAPE) else None


def _devices(run: RunSource) -> Iterator[tuple[str, Columns]]:
    """The nominal groups of all device models of the run, each with its device's name."""
    run.group("reram/nominal")
    for name in run.groups:
        part, _, stage = name.partition("/")
        if part.startswith("reram") and stage == "nominal":
            found = run.group(name)
            yield str(found.group.attrs.get("device", words(part))), found


def _hysteresis(title: str, *, logarithmic: bool) -> Block:
    def block(run: RunSource) -> str:
        loops = [(name, found.first("loop_v"), found.first("loop_i")) for name, found in _devices(run)]
        factor, unit = (1.0, "A") if logarithmic else scale(np.concatenate([i for _, _, i in loops]), "A")
        figure = chart("device voltage (V)", titled("|current|" if logarithmic else "current", unit))
        for (name, v, i), colour in zip(loops, _COLOURS, strict=False):
            shown = np.where(np.abs(i) > 0, np.abs(i), np.nan) if logarithmic else i * factor
            figure.add_trace(line(v, shown, name, colour, line={"width": 1.6}))
        figure.update_layout(showlegend=True)
        if logarithmic:
            figure.update_yaxes(type="log", exponentformat="power", dtick=1, range=_decades([i for _, _, i in loops]))
        caption = "SET on the positive ramp and RESET on the negative one, the device behind a series resistor."
        return card(title, plot(figure, caption, 360), caption, [SIMULATED], "half")

    return block


def _decades(currents: list[np.ndarray]) -> list[float]:
    """Decades to show: up to the greatest current, six below it at most."""
    largest = float(np.log10(max(np.max(np.abs(i)) for i in currents)))
    return [largest - 6, largest + 0.3]


def _cell_loop(run: RunSource) -> str:
    nominal = run.group("reram/nominal")
    v, i = (np.asarray(nominal.first(name)) for name in ("cell_loop_v", "cell_loop_i"))
    factor, unit = scale(i, "A")
    figure = chart("top minus bottom (V)", titled("cell current", unit))
    figure.add_trace(line(v, i * factor, "1T1R", BLUE))
    caption = "The access transistor limits the current of SET; its gate is boosted for RESET."
    return card("1T1R cell: SET and RESET", plot(figure, caption), caption, [SIMULATED], "half")


def _read_iv(run: RunSource) -> str:
    nominal = run.group("reram/nominal")
    v, levels = np.asarray(nominal.first("read_v")), np.asarray(nominal.first("level"))
    device, cell = (np.asarray(nominal.first(name)) for name in ("device_i", "cell_i"))
    factor, unit = scale(device, "A")
    figure = chart("read voltage (V)", titled("current", unit))
    for number, (level, alone, whole) in enumerate(zip(levels, device, cell, strict=True)):
        colour = shade(number, len(levels))
        more = {"legendgroup": "cell", "showlegend": False}
        figure.add_trace(line(v, whole * factor, quantity(level, "S"), colour, **more))
        dotted = {"dash": "dot", "width": 1.3}
        figure.add_trace(
            line(v, alone * factor, f"{quantity(level, 'S')}, device", colour, showlegend=False, line=dotted)
        )
    label = np.inf
    for level, end in sorted(zip(levels, cell[:, -1] * factor, strict=True), key=lambda pair: -pair[1]):
        if label - end > 0.05 * cell.max() * factor:  # the lowest levels lie too close for a word each
            label, beside = end, {"xanchor": "left", "showarrow": False, "font": {"size": 11}}
            figure.add_annotation(x=float(v[-1]), y=float(end), text=quantity(level, "S"), **beside)
    figure.update_xaxes(range=[0, float(v[-1]) * 1.16])
    caption = "Solid: the 1T1R cell at each level; dotted: the device alone at the same state."
    return card("Read I-V by level", plot(figure, caption), caption, [SIMULATED], "half")


def _programmed(run: RunSource) -> str:
    drawn = run.group("reram/monte_carlo")
    target, read = (np.asarray(drawn.valid(name)) for name in ("target", "conductance"))
    factor, unit = scale(read, "S")
    figure = chart(titled("target", unit), titled("read conductance", unit))
    ends = np.array([0.0, max(read.max(), target.max())]) * factor
    figure.add_trace(line(ends, ends, "read = target", GREY, line={"width": 1, "dash": "dash"}))
    figure.add_trace(points(target * factor, read * factor, f"{len(read)} cells", BLUE, opacity=0.6))
    beyond = int(np.sum(drawn.valid("out_of_reach")))
    caption = f"{len(read)} programmed cells; {beyond} were drawn beyond what the device reaches and lie at its end."
    if drawn.failed:
        caption += f" {drawn.failed} of {drawn.count} failed and are not drawn."
    return card("Programmed levels", plot(figure, caption, 360), caption, [SIMULATED, PUBLISHED], "half")


def _error(run: RunSource) -> str:
    """Read minus target, beside the published sigma over its whole range."""
    drawn = run.group("reram/monte_carlo")
    target, read = (np.asarray(drawn.valid(name)) for name in ("target", "conductance"))
    factor, unit = scale(read - target, "S")
    x_factor, x_unit = scale(target, "S")
    figure = chart(titled("target", x_unit), titled("read \N{MINUS SIGN} target", unit))
    model = run.model.models.get("reram.programming_sigma")
    if model is not None:
        g = np.linspace(max(model.inputs[0].low, 0.0), model.inputs[0].high, 60)
        for sign in (1, -1):
            dashed = {"dash": "dash", "width": 1.5}
            edge = sign * model(g) * factor
            figure.add_trace(line(g * x_factor, edge, "published ±1 sigma", ORANGE, showlegend=sign > 0, line=dashed))
    figure.add_trace(points(target * x_factor, (read - target) * factor, "cells", BLUE, opacity=0.6))
    caption = "About two thirds of the cells lie between the dashed lines if the circuit adds little to the spread."
    return card("Programming error", plot(figure, caption, 360), caption, [SIMULATED, PUBLISHED], "half")


def _compliance(run: RunSource) -> str:
    nominal = run.group("reram/nominal")
    gate, reached = (np.asarray(nominal.first(name)) for name in ("compliance_gate", "compliance_g"))
    factor, unit = scale(reached, "S")
    figure = chart("gate voltage during SET (V)", titled("conductance after SET", unit))
    figure.add_trace(line(gate, reached * factor, "device", BLUE, mode="lines+markers"))
    caption = "The gate sets the level that a SET reaches: how a 1T1R cell is programmed to several levels."
    return card("Multi-level SET", plot(figure, caption), caption, [SIMULATED], "half")


SECTION = Section(
    20,
    "ReRAM cell",
    (
        _figures,
        _levels_table,
        _shape_table,
        _hysteresis("Hysteresis", logarithmic=False),
        _hysteresis("Hysteresis, logarithmic", logarithmic=True),
        _cell_loop,
        _compliance,
        _read_iv,
        _programmed,
        _error,
    ),
    "reram",
    usual=False,
)
