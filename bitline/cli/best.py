"""The best point of a sweep: what is surely worse than it, what is not, and what of that takes least energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.pareto import NOT_COMPUTED, Difference, Floats, surely
from bitline.cli.tables import Quantity, costs_said, percent, points, settings
from bitline.core.units import format_quantity
from nn.statistics import Interval

BEST = "best"
LEVEL = "not surely worse"  # its accuracy is not below the best one's beyond the paired interval
WORSE = "surely worse"
APART = "other images"  # nothing is paired


@dataclass(frozen=True)
class Best:
    """The best point, and how the others stand against it.

    Args:
        point: its number: the highest accuracy, of equal ones the lowest cost.
        against: BEST, LEVEL, WORSE, APART or NOT_COMPUTED of each point.
        behind: accuracy of the best minus that of each, with its paired interval; None where there is none.
        frugal: of the best and those that are LEVEL the one of the lowest cost; None where no cost is known.
    """

    point: int
    against: tuple[str, ...]
    behind: tuple[Interval | None, ...]
    frugal: int | None


def best(accuracy: Floats, costs: Floats, difference: Difference) -> Best:
    """The best point of all.

    Args:
        accuracy: (points,), NaN where a point was not computed; not all are.
        costs: (points, costs), the first to be lowest, then the next.
        difference: as of `bitline.cli.pareto.front`. Each has its own interval: none is wider for the number of them,
            nor for the best one's being chosen by its accuracy.
    """
    order = np.lexsort((*costs.T[::-1], -accuracy))
    first = int(order[0])
    behind = tuple(
        None if number == first or np.isnan(each) else difference(first, number) for number, each in enumerate(accuracy)
    )
    against = tuple(
        BEST
        if number == first
        else NOT_COMPUTED
        if np.isnan(each)
        else APART
        if found is None
        else WORSE
        if surely(found)
        else LEVEL
        for number, (each, found) in enumerate(zip(accuracy, behind, strict=True))
    )
    known = [
        number for number, said in enumerate(against) if said in (BEST, LEVEL) and not np.isnan(costs[number]).any()
    ]
    frugal = min(known, key=lambda number: (*costs[number], -accuracy[number]), default=None)
    return Best(first, against, behind, frugal)


def verdict(document: Mapping[str, Any], quantity: Quantity = format_quantity) -> tuple[str, str]:
    """What a sweep says of accuracy: the telling number, and a sentence about it.

    Args:
        document: the summary.
        quantity: writes a number with its unit.
    """
    first = document["points"][document["best"]["point"]]
    others = [point for point in document["points"] if point["against_best"] not in (BEST, NOT_COMPUTED)]
    level = sum(point["against_best"] == LEVEL for point in others)
    at = f"most accurate: {settings(document, first)}"
    if not others:
        return f"{_accuracy(first)} %", at
    if level == len(others):
        least = min(others, key=lambda point: float(point["figures"]["accuracy"]["value"]))
        span = dict.fromkeys((_accuracy(least), _accuracy(first)))
        said = f"no difference from the most accurate of {level + 1} points is beyond its paired 95 % interval"
        return f"{' to '.join(span)} %", f"{said}; {_frugal(document, quantity)}"
    worse = sum(point["against_best"] == WORSE for point in others)
    said = f"{at}; {worse} of {len(others)} others surely worse, {level} not surely (paired 95 % interval)"
    return f"{_accuracy(first)} %", f"{said}; {_frugal(document, quantity)}" if level else said


def _accuracy(point: Mapping[str, Any]) -> str:
    return percent(point["figures"]["accuracy"]["value"])


def _frugal(document: Mapping[str, Any], quantity: Quantity) -> str:
    """What of the best and its like takes least energy, and by how many points it may be behind."""
    number = document["best"]["frugal"]
    if number is None:
        return "no energy is known of them"
    point = document["points"][number]
    spent = costs_said(point, quantity)
    if number == document["best"]["point"]:
        return (
            f"of these the least energy, {spent} an image, takes the most accurate itself: {settings(document, point)}"
        )
    behind = points(point["behind"]).removeprefix("+")
    said = f"{settings(document, point)}, {spent} an image, {_accuracy(point)} %"
    return f"of these the least energy takes {said}, behind by {behind} points"
