"""A sweep as a PNG: accuracy, energy and latency against each knob, and the front of the three."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.pareto import OFF, OFF_OPEN, ON, ON_OPEN
from bitline.cli.sweep_axis import Axis, lines
from bitline.cli.tables import shown

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#1f2933", "#7b8794")
COSTS = (("energy_per_image", "energy of an image", "J"), ("latency_per_image", "latency of an image", "s"))
MARKS = {ON: ("o", True), ON_OPEN: ("o", False), OFF_OPEN: ("x", False), OFF: (".", True)}


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """Draw a PNG.

    Args:
        path: of the file.
        document: summary of the sweep.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    knobs = list(document["over"])
    figure = Figure(figsize=(15, 4.3 * (len(knobs) + 1)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(knobs) + 1, 3, squeeze=False)
    for row, key in zip(rows, knobs, strict=False):
        _against(row, document, key)
    for panel, (name, title, unit) in zip(rows[-1], COSTS, strict=False):
        _front(panel, document, name, f"{title} ({unit})")
    _legend(rows[-1][-1])
    figure.suptitle(f"{document['study']}: sweep over {', '.join(knobs)}")
    figure.savefig(path, dpi=110)


def _against(row: Any, document: Mapping[str, Any], key: str) -> None:
    along, found = lines(document, key)
    for number, line in enumerate(found):
        colour = COLOURS[number % len(COLOURS)]
        for images, strength in ((True, 0.12), (False, 0.3)):
            low, high = line.band(images=images)
            row[0].fill_between(line.at, 100 * low, 100 * high, color=colour, alpha=strength, linewidth=0)
        row[0].plot(line.at, 100 * line.values("accuracy"), "o-", color=colour, label=line.name or "mean of chips")
        for panel, (name, _, _) in zip(row[1:], COSTS, strict=True):
            panel.plot(line.at, line.values(name), "o-", color=colour)
    row[0].set(ylabel="accuracy (%)", title="bands: 95 % by chips (dark), by chips and images (light)")
    if len(found) > 1:
        row[0].legend(fontsize="small")
    for panel, (name, title, unit) in zip(row[1:], COSTS, strict=True):
        panel.set(ylabel=f"{title} ({unit})", title=_kind(document, name))
        panel.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        panel.set_ylim(0, 1.08 * max(np.nanmax(line.values(name), initial=0.0) for line in found) or 1.0)
    for panel in row:
        _axis(panel, along)


def _axis(panel: Any, along: Axis) -> None:
    panel.set_xlabel(along.key)
    panel.grid(alpha=0.3)
    if along.logarithmic:
        panel.set_xscale("log")
    if along.labels:
        panel.set_xticks(along.at, along.labels)


def _kind(document: Mapping[str, Any], name: str) -> str:
    kinds = [point["figures"][name]["kind"] for point in document["points"] if name in point["figures"]]
    return kinds[0] if kinds else ""


def _front(panel: Any, document: Mapping[str, Any], name: str, title: str) -> None:
    for point in document["points"]:
        figures = point["figures"]
        if name not in figures or point["front"] not in MARKS:
            continue
        mark, filled = MARKS[point["front"]]
        colour = COLOURS[0] if mark == "o" else COLOURS[-1]
        mean, low, high = (100 * figures[f"accuracy{end}"]["value"] for end in ("", "_low", "_high"))
        panel.errorbar(
            [figures[name]["value"]],
            [mean],
            yerr=[[mean - low], [high - mean]],
            fmt=mark,
            color=colour,
            markerfacecolor=colour if filled else "white",
            alpha=1.0 if mark == "o" else 0.7,
            elinewidth=0.8,
        )
        if mark != "o":
            continue
        said = ", ".join(map(shown, point["at"].values()))
        panel.annotate(said, (figures[name]["value"], mean), textcoords="offset points", xytext=(5, 4), fontsize=7)
    panel.set(xlabel=title, ylabel="accuracy (%)", title="front of accuracy, energy and latency")
    panel.ticklabel_format(axis="x", style="sci", scilimits=(0, 0))
    panel.grid(alpha=0.3)


def _legend(panel: Any) -> None:
    panel.axis("off")
    for standing, (mark, filled) in MARKS.items():
        colour = COLOURS[0] if mark == "o" else COLOURS[-1]
        face = colour if filled else "white"
        panel.plot(
            [],
            [],
            mark,
            color=colour,
            markerfacecolor=face,
            linestyle="none",
            label=f"{standing} the front" if "," not in standing else standing.replace(",", " the front,"),
        )
    panel.plot(np.array([]), [], "|", color="black", label="95 % interval, chips and images")
    panel.legend(loc="center left", frameon=False)
