"""How a sweep is drawn: the axis of each knob, the lines of the others, and the bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.tables import shown

Floats = np.ndarray[Any, np.dtype[np.float64]]

_LOGARITHMIC = 30.0  # ratio of the largest value of a knob to the smallest, beyond which its axis is


@dataclass(frozen=True, eq=False)
class Axis:
    """A knob's axis.

    Args:
        key: the knob.
        at: where its values stand.
        labels: of its values where they are no numbers; else empty.
        logarithmic: whether the axis is.
    """

    key: str
    at: Floats
    labels: tuple[str, ...] = ()
    logarithmic: bool = False


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a picture: points in the order of the axis, all else alike.

    Args:
        name: the values of the other knobs; empty where there are none.
        at: along the axis.
        points: of the summary.
    """

    name: str
    at: Floats
    points: tuple[Mapping[str, Any], ...]

    def values(self, name: str) -> Floats:
        """A figure along the line, NaN where a point has none."""
        return np.array([_number(point["figures"].get(name)) for point in self.points])

    def band(self, *, images: bool) -> tuple[Floats, Floats]:
        """Limits of accuracy by chips alone, or by chips and images."""
        mean = self.values("accuracy")
        if images:
            return self.values("accuracy_low"), self.values("accuracy_high")
        half = self.values("accuracy_half_width_chips")
        return np.maximum(mean - half, 0.0), np.minimum(mean + half, 1.0)


def _number(figure: Mapping[str, Any] | None) -> float:
    return float("nan") if figure is None or figure["value"] is None else float(figure["value"])


def axis(key: str, values: Sequence[Any]) -> Axis:
    """The axis of a knob: numbers by size, logarithmic where they span much; anything else side by side."""
    if any(isinstance(value, (str, bool)) for value in values):
        return Axis(key, np.arange(len(values), dtype=float), tuple(shown(value) for value in values))
    numbers = np.array(values, dtype=float)
    wide = len(numbers) > 2 and bool(numbers.min() > 0) and bool(numbers.max() > _LOGARITHMIC * numbers.min())
    return Axis(key, numbers, (), wide)


def lines(document: Mapping[str, Any], key: str) -> tuple[Axis, list[Line]]:
    """A knob's axis, and a line for every combination of the others."""
    values = document["over"][key]
    along = axis(key, values)
    found: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for point in document["points"]:
        others = ", ".join(f"{name} = {shown(value)}" for name, value in point["at"].items() if name != key)
        where = next(at for at, value in zip(along.at, values, strict=True) if _same(value, point["at"][key]))
        found.setdefault(others, []).append((float(where), point))
    made = []
    for name, each in found.items():
        each.sort(key=lambda pair: pair[0])
        made.append(Line(name, np.array([at for at, _ in each]), tuple(point for _, point in each)))
    return along, made


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
