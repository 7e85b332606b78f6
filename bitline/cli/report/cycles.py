"""What columns and macros have in common: waveforms of their cycles, and what they spend by component."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitline.cli.report.chart import BLUE, ORANGE, chart, line, plot, scale, single, titled
from bitline.cli.report.markup import card, figures_table, quantity, sentence, words
from bitline.cli.report.section import Block
from bitline.cli.report.source import AbsentError, RunSource
from bitline.core.figures import SIMULATED, Figure

Styles = Mapping[str, tuple[str, str]]  # colour and dash of each net, by its name in records


def cycle(part: str, name: str, styles: Styles, caption: str) -> Block:
    """A block: the nets of one of a part's cycles, as "read_1", over time."""

    def block(run: RunSource) -> str:
        nominal = run.group(f"{part}/nominal")
        time = np.asarray(nominal.first(f"{name}_time"))
        factor, unit = scale(time, "s")
        figure = chart(titled("time", unit), "voltage (V)")
        for net, (colour, dash) in styles.items():
            wave = np.asarray(nominal.first(f"{name}_{net}"))
            figure.add_trace(line(time * factor, wave, net, colour, line={"dash": dash}))
        what, bit = name.split("_")
        return card(f"{sentence(what)} of {bit}", plot(figure, caption, 340), caption, [SIMULATED], "half")

    return block


def spent(part: str, totals: Mapping[str, str], title: str) -> Block:
    """A block: bars of the components of a part's figures, ``<total>_<component>``, with each total's label."""

    def block(run: RunSource) -> str:
        named = run.figures(part)
        parts = {total: _components(named, total) for total in totals}
        if not all(parts.values()):
            raise AbsentError(f"{part!r} has no {' and '.join(map(words, totals))} by component")
        unit = named[next(iter(totals))].unit
        every = np.array([value for found in parts.values() for value in found.values()])
        factor, shown = scale(every, unit)
        figure = chart(titled(title.lower(), shown), "", barmode="group")
        for (total, label), colour in zip(totals.items(), (BLUE, ORANGE), strict=False):
            values = np.array(list(parts[total].values()))
            figure.add_bar(
                x=single(values * factor),
                y=[words(name) for name in parts[total]],
                name=f"{label}, {quantity(named[total].value, unit)}",
                text=[f" {quantity(value, unit)}" for value in values],
                textposition="outside",
                cliponaxis=False,
                orientation="h",
                showlegend=True,
                marker={"color": colour},
            )
        figure.update_xaxes(range=[0, 1.25 * float(np.max(every)) * factor])
        figure.update_yaxes(autorange="reversed", showgrid=False)
        count = len(next(iter(parts.values())))
        caption = "Out of every supply; the components add up to the totals in the legend."
        return card(title, plot(figure, caption, 100 + 26 * count * len(totals)), caption, [SIMULATED], "half")

    return block


def _components(named: Mapping[str, Figure], total: str) -> dict[str, float]:
    found = {name.removeprefix(f"{total}_"): figure for name, figure in named.items() if name.startswith(f"{total}_")}
    return {name: figure.value for name, figure in found.items() if name not in ("mean", "sigma")}


def figures(part: str, title: str, caption: str, without: tuple[str, ...] = ()) -> Block:
    """A block: the table of a part's figures, but for those whose names start with one of `without`."""

    def block(run: RunSource) -> str:
        run.group(f"{part}/nominal")
        shown = {name: found for name, found in run.figures(part).items() if not name.startswith(without)}
        return card(title, figures_table(shown), caption, width="wide")

    return block
