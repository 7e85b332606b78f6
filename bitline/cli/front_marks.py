"""How the points of a sweep's front are drawn: their marks, their numbers, and those of equal cost side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.pareto import OFF, OFF_OPEN, ON, ON_OPEN
from bitline.cli.sweep_axis import Floats

_CLOSE = 0.02  # share of the span of a cost, closer than which two points would lie on each other
_STEP = 0.05  # from one to the next of those
_LEAST = 0.1  # of a cost, that its axis spans
_NUMBERED = 12  # points up to which those that are off the front, open have their numbers too


@dataclass(frozen=True)
class Mark:
    """Of a standing.

    Args:
        marker: of matplotlib.
        symbol: of plotly.
        colour: of its edge, and of its face where it is filled.
        filled: whether it is.
        said: in the key.
    """

    marker: str
    symbol: str
    colour: str
    filled: bool
    said: str


MARKS = {
    ON: Mark("o", "circle", "#0072B2", filled=True, said="on the front"),
    ON_OPEN: Mark("o", "circle", "#0072B2", filled=False, said="on the front, open"),
    OFF_OPEN: Mark("s", "square", "#7b8794", filled=False, said="off the front, open"),
}
BEATEN = Mark("x", "x-thin", "#7b8794", filled=True, said="off the front")


@dataclass(frozen=True, eq=False)
class Placed:
    """Points of one standing over one cost.

    Args:
        mark: of the standing.
        numbers: of the points, from 1 as tables count them.
        points: of the summary.
        at: their cost, those with a number moved where two would lie on each other.
        numbered: whether they are drawn with their numbers; else small.
    """

    mark: Mark
    numbers: tuple[int, ...]
    points: tuple[Mapping[str, Any], ...]
    at: Floats
    numbered: bool


def numbered(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The standings whose points are drawn with their numbers: the front, and what is open if it leaves room."""
    count = sum(point["front"] in MARKS for point in document["points"])
    return (ON, ON_OPEN, OFF_OPEN) if count <= _NUMBERED else (ON, ON_OPEN)


def placed(document: Mapping[str, Any], name: str) -> list[Placed]:
    """The points of a sweep over a cost, as far as they have it, by their standing.

    Args:
        document: the summary.
        name: of the figure.
    """
    every = [
        (number, point)
        for number, point in enumerate(document["points"], 1)
        if (point["figures"].get(name) or {}).get("value") is not None
    ]
    at = np.array([point["figures"][name]["value"] for _, point in every], dtype=float)
    large = np.array([point["front"] in numbered(document) for _, point in every], dtype=bool)
    at[large] = side_by_side(at[large], _span(at))
    found = []
    for standing, mark in {**MARKS, OFF: BEATEN}.items():
        chosen = [place for place, (_, point) in enumerate(every) if point["front"] == standing]
        if chosen:
            numbers, points = zip(*(every[place] for place in chosen), strict=True)
            found.append(Placed(mark, numbers, points, at[chosen], standing in numbered(document)))
    return found


def limits(found: Sequence[Placed]) -> tuple[float, float]:
    """Of the axis of a cost: its points, and no less than a tenth of it."""
    at = np.concatenate([each.at for each in found])
    middle, half = (at.min() + at.max()) / 2, max(float(np.ptp(at)), _span(at)) / 2
    return float(middle - 1.16 * half), float(middle + 1.16 * half)


def _span(costs: Floats) -> float:
    return max(float(np.ptp(costs)), _LEAST * float(np.abs(costs).max(initial=0.0))) if costs.size else 1.0


def side_by_side(costs: Floats, span: float) -> Floats:
    """Costs with those that are equal, or nearly so, moved apart around their mean; the others stay.

    Args:
        costs: (points,).
        span: of the axis.
    """
    found = costs.copy()
    if costs.size < 2:
        return found
    order = np.argsort(costs, kind="stable")
    breaks = np.flatnonzero(np.diff(costs[order]) > _CLOSE * span) + 1
    groups = np.split(order, breaks)
    means = [float(costs[group].mean()) for group in groups]
    room = float(min(np.diff(means), default=span)) / max(len(group) for group in groups)
    step = min(_STEP * span, 0.9 * room)
    for group, mean in zip(groups, means, strict=True):
        if len(group) > 1:
            found[np.sort(group)] = mean + step * (np.arange(len(group)) - (len(group) - 1) / 2)
    return found
