"""What an image costs, energy and latency by component, and what a chip does, area; each with its kind."""

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
    "area": "the sum of what is listed.",
}
_OF = {"energy": "an image", "latency": "an image", "area": "a chip"}


def _bars(what: str, title: str) -> Block:
    """A block: the components of "energy", "latency" or "area" as bars, and as a table with their sources."""

    def block(run: RunSource) -> str:
        parts = _components(run, what)
        total = sum(figure.value for figure in parts.values())
        unit = next(iter(parts.values())).unit
        factor, shown = scale(np.array([figure.value for figure in parts.values()]), unit)
        figure = chart(titled(f"{what} {_OF[what]}", shown), "", barmode="overlay")
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
        caption = f"{sentence(what)} {_OF[what]}: {quantity(total, unit)}, {_SUM[what]}{_settling(run, what)}"
        rows = [
            [text(words(name)), text(quantity(part.value, unit)), badge(part.kind, part.source)]
            for name, part in parts.items()
        ]
        body = plot(figure, caption, 110 + 34 * len(parts)) + table(("component", what, "kind"), rows, [1])
        return card(title, body, caption, width="half")

    return block


def _settling(run: RunSource, what: str) -> str:
    """Of a latency: how long the tiles' outputs take, where the study says what makes them late."""
    figure = run.figures("network").get("settling_time")
    if what != "latency" or figure is None:
        return ""
    return f" Outputs settle in {quantity(figure.value, figure.unit)} ({figure.kind}): {figure.source}."


def _components(run: RunSource, what: str) -> dict[str, Figure]:
    """The figures ``<what>_<component>``, the largest first; their total is ``<what>_per_image`` or ``_per_chip``."""
    named = run.figures("network")
    parts = {name.removeprefix(f"{what}_"): figure for name, figure in named.items() if name.startswith(f"{what}_")}
    for total in ("per_image", "per_chip"):
        parts.pop(total, None)
    if not parts:
        raise AbsentError(f"summary.json holds no {what} by component of 'network'")
    return dict(sorted(parts.items(), key=lambda item: -item[1].value))


def _area(run: RunSource) -> str:
    """Of a chip; nothing where the arrays of a run have none."""
    return _bars("area", "Area")(run) if "area_per_chip" in run.figures("network") else ""


def _latency_and_area(run: RunSource) -> str:
    """One above the other, beside the energy with its many components."""
    return f'<div class="stack half">{_bars("latency", "Latency")(run)}{_area(run)}</div>'


_BLOCKS = (_bars("energy", "Energy"), _latency_and_area)
SECTION = Section(12, "Energy, latency and area", _BLOCKS, "network")
