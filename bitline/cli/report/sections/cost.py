"""What an image costs: energy and latency by component, each with its kind."""

from __future__ import annotations

import numpy as np

from bitline.cli.report.chart import BLUE, GREEN, GREY, ORANGE, PURPLE, chart, plot, scale, single, titled
from bitline.cli.report.markup import badge, card, percent, quantity, sentence, table, text, words
from bitline.cli.report.section import Block, Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.core.figures import ESTIMATED, MEASURED, MODELLED, OWN_DATA, PUBLISHED, SIMULATED, Figure

# As page.css colours the badges; an estimate is a lighter published figure
_COLOURS = {
    SIMULATED: BLUE,
    MODELLED: GREEN,
    MEASURED: PURPLE,
    PUBLISHED: ORANGE,
    ESTIMATED: "#F0B48F",
    OWN_DATA: ORANGE,
}


_SUM = {
    "energy": "the sum of what is listed.",
    "latency": "the sum of what is listed: one image, its layers one after the other.",
}


def _bars(what: str, title: str) -> Block:
    """A block: the components of "energy" or "latency" as bars, and as a table with their sources."""

    def block(run: RunSource) -> str:
        parts = _components(run, what)
        total = sum(figure.value for figure in parts.values())
        unit = next(iter(parts.values())).unit
        factor, shown = scale(np.array([figure.value for figure in parts.values()]), unit)
        figure = chart(titled(f"{what} an image", shown), "", barmode="overlay")
        for kind in dict.fromkeys(part.kind for part in parts.values()):
            chosen = {words(name): part.value for name, part in parts.items() if part.kind == kind}
            said = [f" {quantity(value, unit)} ({percent(value / total, 1)})" for value in chosen.values()]
            figure.add_bar(
                x=single(np.array(list(chosen.values())) * factor),
                y=list(chosen),
                text=said,
                textposition="outside",
                cliponaxis=False,
                orientation="h",
                name=kind,
                showlegend=True,
                marker={"color": _COLOURS.get(kind, GREY)},
            )
        largest = max(part.value for part in parts.values()) * factor
        figure.update_xaxes(range=[0, 1.5 * largest])
        figure.update_yaxes(
            categoryorder="array", categoryarray=[words(name) for name in reversed(parts)], showgrid=False
        )
        caption = f"{sentence(what)} an image: {quantity(total, unit)}, {_SUM[what]}"
        rows = [
            [text(words(name)), text(quantity(part.value, unit)), badge(part.kind, part.source)]
            for name, part in parts.items()
        ]
        body = plot(figure, caption, 110 + 34 * len(parts)) + table(("component", what, "kind"), rows, [1])
        return card(title, body, caption, width="half")

    return block


def _components(run: RunSource, what: str) -> dict[str, Figure]:
    """The figures ``<what>_<component>``, the largest first; their total is ``<what>_per_image``."""
    named = run.figures("network")
    parts = {name.removeprefix(f"{what}_"): figure for name, figure in named.items() if name.startswith(f"{what}_")}
    parts.pop("per_image", None)
    if not parts:
        raise AbsentError(f"summary.json holds no {what} by component of 'network'")
    return dict(sorted(parts.items(), key=lambda item: -item[1].value))


SECTION = Section(60, "Energy and latency", (_bars("energy", "Energy"), _bars("latency", "Latency")), "network")
