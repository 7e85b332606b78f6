"""Exponentials of integers by a table, the greatest along an axis being that of 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


def exponentials(step: float, top: int) -> IntArray:
    """``round(top exp(-k step))`` for k = 0, 1, ..., as far as it is above 0; then 0 for all beyond."""
    last = math.floor(math.log(2 * top) / step) + 1
    table: IntArray = np.rint(top * np.exp(-step * np.arange(last + 1))).astype(np.int64)
    return table


@dataclass(frozen=True, eq=False)
class Exponential(Operator):
    """``table[max(x) - x]`` along an axis.

    Subtracting the greatest leaves only exponentials of 1 and below; a division by their sum makes up for it.

    Args:
        table: of exponentials, table[0] being that of 0; its last entry is that of all beyond.
        axis: counted from the last, -1.
    """

    table: IntArray
    axis: int = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.table.ndim != 1 or len(self.table) < 2 or self.table.min() < 0 or self.table[0] != self.table.max() > 0:
            raise ConfigError("exponential: the table must fall, its first entry above 0 and none below")
        if self.axis >= 0:
            raise ConfigError(f"exponential: axis = {self.axis} must be below 0, counted from the last")

    def shape(self, *shapes: Shape) -> Shape:
        """Unchanged."""
        if len(shapes[0]) < -self.axis:
            raise ConfigError(f"exponential: its input of shape {shapes[0]} has no axis {self.axis}")
        return shapes[0]

    def bounds(self, *bounds: Bounds) -> Bounds:  # noqa: ARG002 - whatever the inputs
        """Those of the table."""
        return int(self.table.min()), int(self.table[0])

    def run(self, *inputs: IntArray) -> IntArray:
        """The entries."""
        (x,) = inputs
        below = x.max(axis=self.axis, keepdims=True) - x
        found: IntArray = self.table[np.minimum(below, len(self.table) - 1)]
        return found

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The gradient is that of the exponential itself, with the step that the table has."""
        from nn.straight_through import as_run

        (x,) = inputs
        place = int(np.abs(self.table - self.table[0] / math.e).argmin()) or 1
        step = math.log(self.table[0] / max(self.table[place], 0.5)) / place
        return as_run(self, (step * (x - x.amax(dim=self.axis, keepdim=True))).exp() * int(self.table[0]), x)

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """A comparison and a difference an element."""
        return {"add": 2 * math.prod(shapes[0])}
