"""The front of a sweep in its PNG: accuracy over energy and over latency, points numbered, and a key to the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bitline.cli.front_marks import BEATEN, MARKS, Mark, numbered, placed
from bitline.cli.front_marks import limits as cost_limits
from bitline.cli.pareto import OFF
from bitline.cli.report.chart import scale
from bitline.cli.report.markup import quantity
from bitline.cli.tables import cost, percent, settings

_LISTED = 16  # points that the key has room for
_INK = "#1f2933"


def draw_front(
    panels: Sequence[Any],
    document: Mapping[str, Any],
    costs: Sequence[tuple[str, str]],
    limits: tuple[float, float],
) -> None:
    """Draw the front into two panels, and its key into a third.

    Args:
        panels: of matplotlib, one more than costs.
        document: summary of the sweep.
        costs: figures, and what they are called.
        limits: of the axes of accuracy, in percent.
    """
    for panel, (name, title) in zip(panels, costs, strict=False):
        _front(panel, document, name, title)
        panel.set(ylabel="accuracy (%)", ylim=limits)
    _key(panels[-1], document, [name for name, _ in costs])


def _front(panel: Any, document: Mapping[str, Any], name: str, title: str) -> None:
    from bitline.cli.sweep_picture import headed

    under = "line: 95 % by chips and images; points of one cost stand side by side"
    headed(panel, f"front: accuracy over {title.partition(' ')[0]}", under)
    found = placed(document, name)
    if not found:
        panel.set_xlabel(f"{title}: there is none", loc="right")
        return
    factor, unit = scale(np.concatenate([each.at for each in found]), found[0].points[0]["figures"][name]["unit"])
    for each in found:
        for number, point, at in zip(each.numbers, each.points, factor * each.at, strict=True):
            mean, low, high = (100 * point["figures"][f"accuracy{end}"]["value"] for end in ("", "_low", "_high"))
            _mark(panel, at, mean, each.mark, *((15, 3) if each.numbered else (5, 2)))
            if each.numbered:
                panel.plot([at, at], [low, high], color=each.mark.colour, linewidth=0.8, alpha=0.5, zorder=1)
                style = {"color": "white" if each.mark.filled else _INK, "fontsize": 8, "zorder": 4}
                panel.text(at, mean, str(number), ha="center", va="center_baseline", **style)
    panel.set_xlim(*(factor * each for each in cost_limits(found)))
    panel.set_xlabel(f"{title} ({unit})", loc="right")


def _mark(panel: Any, at: float, mean: float, mark: Mark, size: float, above: float) -> None:
    face = mark.colour if mark.filled else "white"
    panel.plot([at], [mean], mark.marker, color=mark.colour, markerfacecolor=face, markersize=size, zorder=above)


def _key(panel: Any, document: Mapping[str, Any], names: Sequence[str]) -> None:
    """What the marks mean, and the settings of the points by their numbers."""
    panel.axis("off")
    standings = {point["front"] for point in document["points"]}
    for standing, mark in (*MARKS.items(), (OFF, BEATEN)):
        if standing in standings:
            face = mark.colour if mark.filled else "white"
            style = {"color": mark.colour, "markerfacecolor": face, "linestyle": "none", "markersize": 9}
            panel.plot([], [], mark.marker, label=mark.said, **style)
    panel.legend(loc="upper left", frameon=False, fontsize=9, borderaxespad=0.0, ncols=2)
    shown = [
        (number, point) for number, point in enumerate(document["points"], 1) if point["front"] in numbered(document)
    ]
    shown.sort(key=lambda pair: not pair[1]["front"].startswith("on"))  # those on the front first
    said = []
    for number, point in shown[:_LISTED]:
        figures = point["figures"]
        spent = ", ".join(filter(None, (cost(figures, name, quantity) for name in names)))
        said.append(f"{number:>3}  {settings(document, point)}: {percent(figures['accuracy']['value'])} %, {spent}")
    if len(shown) > _LISTED:
        said.append(f"       and {len(shown) - _LISTED} more, in report.html")
    listed = panel.text(0, 0.84, "\n".join(said), transform=panel.transAxes, fontsize=8.5, va="top", linespacing=1.5)
    listed.set_in_layout(False)  # it takes no room from the panels
