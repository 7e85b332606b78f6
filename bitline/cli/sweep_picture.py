"""A sweep as a PNG: accuracy, energy and latency against each knob, and the front of the three."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.best import verdict
from bitline.cli.front_picture import draw_front
from bitline.cli.report.chart import scale
from bitline.cli.report.markup import quantity, sentence
from bitline.cli.sweep_axis import Axis, Floats
from bitline.cli.sweep_lines import Bundle, Line, bundles, lines, said_of
from bitline.cli.tables import short_keys
from bitline.core.figures import MEASURED

INK, SOFT = "#1f2933", "#52606d"
COSTS = (("energy_per_image", "energy an image"), ("latency_per_image", "latency an image"))
_WHISKERS = 6  # curves up to which the interval by chips and images is drawn beside that by chips
_LEGEND, _HANDLE = 90, 8  # characters of a legend's row, and those that the handle of a curve takes
_WRAP = 165  # characters of a line above all
_ROTATED = 40  # characters of an axis's labels from which they are turned


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """Draw a PNG.

    Args:
        path: of the file.
        document: summary of the sweep.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    knobs = list(document["over"])
    figure = Figure(figsize=(15, 1.0 + 4.6 * (len(knobs) + 1)), layout="constrained")
    FigureCanvasAgg(figure)
    *rows, last = figure.subfigures(len(knobs) + 1, 1, squeeze=False)[:, 0]
    limits = accuracy_limits(document)
    for row, key in zip(rows, knobs, strict=True):
        _against(row.subplots(1, 3, width_ratios=(4, 3, 3)), document, key, limits)
    draw_front(last.subplots(1, 3, width_ratios=(7, 7, 6)), document, COSTS, limits)
    value, said = verdict(document, quantity)
    head = f"{document['study']}: accuracy {value}"
    kept = said.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    figure.suptitle("\n".join([head, *textwrap.wrap(sentence(kept) + ".", _WRAP)]), x=0.01, ha="left", fontsize=12)
    figure.savefig(path, dpi=110)


def accuracy_limits(document: Mapping[str, Any]) -> tuple[float, float]:
    """Of the axes of accuracy, in percent: the intervals, but no more of them than leaves the points apart."""
    known = [point["figures"] for point in document["points"] if "accuracy" in point["figures"]]
    mean, low, high = (
        100 * np.array([each[f"accuracy{end}"]["value"] for each in known]) for end in ("", "_low", "_high")
    )
    span = max(2.5 * float(np.ptp(mean)), 4.0)
    bottom, top = max(float(low.min()), mean.min() - span), min(float(high.max()), mean.max() + span)
    edge = 0.04 * (top - bottom)
    return float(bottom - edge), float(top + edge)


def headed(panel: Any, title: str, *under: str) -> None:
    """Give a panel a title, and what is to be said of it in lines of smaller type."""
    panel.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=6 + 11 * len(under))
    panel.text(
        0, 1.015, "\n".join(under), transform=panel.transAxes, fontsize=8, color=SOFT, va="bottom", linespacing=1.25
    )
    panel.grid(alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)


def _against(panels: Sequence[Any], document: Mapping[str, Any], key: str, limits: tuple[float, float]) -> None:
    along, found = lines(document, key)
    _accuracy(panels[0], along, found, limits)
    others = " and ".join(name for each, name in short_keys(document["over"]).items() if each != key)
    for panel, (name, title) in zip(panels[1:], COSTS, strict=True):
        together = bundles(found, name)
        known = [point["figures"][name] for point in document["points"] if name in point["figures"]]
        unit, kind = (known[0]["unit"], known[0]["kind"]) if known else ("1", "there is none")
        headed(panel, title, kind, said_of(together, others))
        _cost(panel, along, together, unit)
    for panel in panels:
        _axis(panel, along)


def _accuracy(panel: Any, along: Axis, found: Sequence[Line], limits: tuple[float, float]) -> None:
    whiskers = len(found) <= _WHISKERS
    for number, line in enumerate(found):
        at, mean = along.shifted(line.at, number, len(found)), 100 * line.values("accuracy")
        style = {"fmt": "none", "ecolor": line.look.colour, "zorder": 2}
        if whiskers:
            panel.errorbar(at, mean, yerr=100 * line.reach(images=True), elinewidth=0.9, capsize=2.5, **style)
        panel.errorbar(at, mean, yerr=100 * line.reach(images=False), elinewidth=3.2, alpha=0.55, **style)
        _curve(panel, at, mean, line, along)
    bars = "95 %: thick by chips" + (", thin by chips and images" if whiskers else "")
    worse = any(line.worse.any() for line in found)
    hollow = "hollow: surely worse than the best; filled: not surely" if worse else "none is surely worse than the best"
    headed(panel, "accuracy", f"{MEASURED}; {bars}", hollow)
    panel.set(ylabel="%", ylim=limits)
    _legend(panel, [line.name for line in found])


def _curve(panel: Any, at: Floats, values: Floats, line: Line, along: Axis) -> None:
    """A line with a marker at each point, hollow where it is surely worse than the best."""
    look, dash = line.look, line.look.dash if along.joined else ""
    panel.plot(at, values, color=look.colour, linestyle=dash, linewidth=1.1, alpha=0.8, zorder=3)
    style = {"color": look.colour, "linestyle": "none", "markersize": 6.5, "zorder": 4}
    for worse, face in ((False, look.colour), (True, "white")):
        chosen = line.worse == worse
        panel.plot(at[chosen], values[chosen], look.marker, markerfacecolor=face, **style)
    panel.plot([], [], look.marker + dash, color=look.colour, markersize=6, label=line.name or "_")


def _cost(panel: Any, along: Axis, found: Sequence[Bundle], unit: str) -> None:
    factor, shown = scale(np.concatenate([bundle.values for bundle in found]), unit)
    alone = len(found) == 1
    for bundle in found:
        line = bundle.lines[0]
        colour, marker, dash = (INK, "o", "-") if alone else (line.look.colour, line.look.marker, line.look.dash)
        style = {"color": colour, "markersize": 6, "linewidth": 1.3, "label": bundle.name}
        panel.plot(line.at, bundle.values * factor, marker + (dash if along.joined else ""), **style)
    panel.set(ylabel=shown)
    panel.set_ylim(0, 1.08 * factor * max(np.nanmax(bundle.values, initial=0.0) for bundle in found) or 1.0)
    if not alone and any(len(bundle.lines) > 1 for bundle in found):
        _legend(panel, [bundle.name for bundle in found])


def _legend(panel: Any, names: Sequence[str]) -> None:
    """The names of several curves below a panel, row by row."""
    count = len(names)
    if count > 1:
        columns = min(count, max(1, _LEGEND // (max(map(len, names)) + _HANDLE)))
        handles, labels = panel.get_legend_handles_labels()
        order = [number for column in range(columns) for number in range(column, count, columns)]  # it fills columns
        style = {"fontsize": 8.5, "frameon": False, "handlelength": 2.6, "borderaxespad": 0.0, "ncols": columns}
        chosen = [handles[number] for number in order], [labels[number] for number in order]
        panel.legend(*chosen, loc="upper left", bbox_to_anchor=(0, -0.15), **style)


def _axis(panel: Any, along: Axis) -> None:
    panel.set_xlabel(along.title, loc="right")
    panel.margins(x=0.08)
    if along.logarithmic:
        panel.set_xscale("log")
        panel.minorticks_off()
    if along.labels:
        turned = sum(map(len, along.labels)) > _ROTATED
        panel.set_xticks(along.at, along.labels, rotation=30 if turned else 0, ha="right" if turned else "center")
