"""The curves of a sweep: a line for every combination of the other knobs, its look, and those that coincide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.best import WORSE
from bitline.cli.sweep_axis import Axis, Floats, axis
from bitline.cli.tables import short_keys, shown

_ALIKE = 0.01  # relative difference up to which two curves are drawn as one
_SAME = 1e-9  # and are said to be the same


@dataclass(frozen=True)
class Look:
    """How a curve is drawn; marker and dashes tell it apart without its colour.

    Args:
        colour: of Okabe and Ito.
        marker: of matplotlib.
        symbol: of plotly.
        dash: of matplotlib.
        dashes: of plotly.
    """

    colour: str
    marker: str
    symbol: str
    dash: str
    dashes: str


LOOKS = (
    Look("#0072B2", "o", "circle", "-", "solid"),
    Look("#D55E00", "s", "square", "--", "dash"),
    Look("#009E73", "^", "triangle-up", ":", "dot"),
    Look("#AA4499", "D", "diamond", "-.", "dashdot"),
    Look("#E69F00", "v", "triangle-down", "-", "solid"),
    Look("#1f2933", "P", "cross", "--", "dash"),
    Look("#56B4E9", "X", "x", ":", "dot"),
    Look("#7b8794", "*", "star", "-.", "dashdot"),
)


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a picture: points in the order of the axis, all else alike.

    Args:
        name: the values of the other knobs; empty where there are none.
        at: along the axis.
        points: of the summary.
        look: of it.
    """

    name: str
    at: Floats
    points: tuple[Mapping[str, Any], ...]
    look: Look

    def values(self, name: str) -> Floats:
        """A figure along the line, NaN where a point has none."""
        return np.array([_number(point["figures"].get(name)) for point in self.points])

    def reach(self, *, images: bool) -> Floats:
        """How far the 95 % limits of accuracy lie below and above it, by chips alone or by chips and images, (2, n)."""
        mean = self.values("accuracy")
        if images:
            return np.maximum([mean - self.values("accuracy_low"), self.values("accuracy_high") - mean], 0.0)
        half = self.values("accuracy_half_width_chips")
        return np.stack([np.minimum(half, mean), np.minimum(half, 1.0 - mean)])

    @property
    def worse(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which of its points are surely worse than the best of the sweep."""
        return np.array([point["against_best"] == WORSE for point in self.points])


@dataclass(frozen=True, eq=False)
class Bundle:
    """Lines that coincide in a figure, and are drawn as one.

    Args:
        lines: one or more.
        values: of the figure along them, their mean.
        exact: whether they are the same; else they are within 1 %.
    """

    lines: tuple[Line, ...]
    values: Floats
    exact: bool

    @property
    def name(self) -> str:
        """Of them all: the values of a single other knob in a row, or their names."""
        names = [line.name for line in self.lines]
        keys = {name.partition(" = ")[0] for name in names}
        if len(keys) == 1 and not any(", " in name for name in names):
            return f"{keys.pop()} = {', '.join(name.partition(' = ')[2] for name in names)}"
        return "; ".join(names)


def _number(figure: Mapping[str, Any] | None) -> float:
    return float("nan") if figure is None or figure["value"] is None else float(figure["value"])


def lines(document: Mapping[str, Any], key: str) -> tuple[Axis, list[Line]]:
    """A knob's axis, and a line for every combination of the others."""
    values = document["over"][key]
    along = axis(key, values)
    names = short_keys(document["over"])
    found: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for point in document["points"]:
        others = ", ".join(f"{names[name]} = {shown(value)}" for name, value in point["at"].items() if name != key)
        where = next(at for at, value in zip(along.at, values, strict=True) if _same(value, point["at"][key]))
        found.setdefault(others, []).append((float(where), point))
    made = []
    for number, (name, each) in enumerate(found.items()):
        each.sort(key=lambda pair: pair[0])
        at, points = np.array([at for at, _ in each]), tuple(point for _, point in each)
        made.append(Line(name, at, points, LOOKS[number % len(LOOKS)]))
    return along, made


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def bundles(found: Sequence[Line], name: str) -> list[Bundle]:
    """Lines by whether they coincide in a figure, so that none hides another.

    Args:
        found: the lines, over the same values.
        name: of the figure.
    """
    groups: list[list[Line]] = []
    for line in found:
        alike = (group for group in groups if _coincide(group[0], line, name, _ALIKE))
        group = next(alike, None)
        if group is None:
            groups.append([line])
        else:
            group.append(line)
    return [
        Bundle(
            tuple(group),
            np.mean([line.values(name) for line in group], axis=0),
            all(_coincide(group[0], line, name, _SAME) for line in group),
        )
        for group in groups
    ]


def _coincide(one: Line, other: Line, name: str, within: float) -> bool:
    return bool(np.allclose(one.values(name), other.values(name), rtol=within, atol=0.0, equal_nan=True))


def said_of(found: Sequence[Bundle], over: str) -> str:
    """What a picture says of the bundles of a figure: nothing where none has more than one line.

    Args:
        found: the bundles.
        over: the other knobs.
    """
    joined = [bundle for bundle in found if len(bundle.lines) > 1]
    if not joined:
        return ""
    how = "the same" if all(bundle.exact for bundle in joined) else "within 1 %"
    return f"{how} at every {over}" if len(found) == 1 else f"what is {how} is drawn as one"
