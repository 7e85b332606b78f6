"""The axis of a swept knob: its scale, its ticks, and how points of several curves stand beside one another on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.tables import shown

Floats = np.ndarray[Any, np.dtype[np.float64]]

_CLOSE = 0.08  # share of an axis, closer than which neighbouring values have no room
_TICKS = 12  # values up to which each has its tick, and no other has
_APART = 0.03  # share of an axis from a curve to the next at the same value, at most
_SHARE = 0.55  # of the room between neighbouring values that the curves at one take


@dataclass(frozen=True, eq=False)
class Axis:
    """A knob's axis.

    Args:
        key: the knob.
        at: where its values stand.
        labels: of its values where each has a tick; else empty.
        logarithmic: whether the axis is.
        even: whether numbers stand side by side at equal distances, in place of where their size would put them.
        joined: whether values are numbers, so that a line from one to the next says something.
    """

    key: str
    at: Floats
    labels: tuple[str, ...] = ()
    logarithmic: bool = False
    even: bool = False
    joined: bool = True

    @property
    def title(self) -> str:
        """What stands along it."""
        return f"{self.key} (not to scale)" if self.even else self.key

    def shifted(self, at: Floats, number: int, count: int) -> Floats:
        """Where curve `number` of `count` stands, so that those at one value stand side by side.

        Args:
            at: along the axis.
            number: from 0.
            count: of curves.
        """
        places = np.sort(np.log10(self.at) if self.logarithmic else self.at)
        gaps = np.diff(places)
        if count == 1 or not gaps.size:
            return at
        step = min(_SHARE * gaps.min() / count, _APART * (places[-1] - places[0]))
        by = (number - (count - 1) / 2) * step
        return np.asarray(at * 10**by if self.logarithmic else at + by)


def axis(key: str, values: Sequence[Any]) -> Axis:
    """The axis of a knob: linear or logarithmic, as leaves room between its values; else, as names, side by side."""
    labels = tuple(shown(value) for value in values)
    if any(isinstance(value, (str, bool)) for value in values):
        return Axis(key, np.arange(len(values), dtype=float), labels, joined=False)
    numbers = np.array(values, dtype=float)
    many = len(values) > _TICKS
    if many or _room(numbers):
        return Axis(key, numbers, () if many else labels)
    if numbers.min() > 0 and _room(np.log10(numbers)):
        return Axis(key, numbers, labels, logarithmic=True)
    order = np.argsort(np.argsort(numbers)).astype(float)
    return Axis(key, order, labels, even=True)


def _room(at: Floats) -> bool:
    gaps = np.diff(np.sort(at))
    return not gaps.size or bool(gaps.min() >= _CLOSE * gaps.sum())
