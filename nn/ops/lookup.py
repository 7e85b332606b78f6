"""A function of codes as a table, one entry a code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Lookup(Operator):
    """``table[x - low]``.

    Args:
        table: results for the integers from `low` on, in order.
        low: the least input.
    """

    table: IntArray
    low: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.table.ndim != 1 or not self.table.size:
            raise ConfigError(
                f"lookup: its table has shape {self.table.shape}; one axis with an entry a code is needed"
            )

    def shape(self, *shapes: Shape) -> Shape:
        """Unchanged."""
        return shapes[0]

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The least and greatest entry for inputs within these bounds; ConfigError where they leave the table."""
        low, high = bounds[0]
        self._check(low, high)
        entries = self.table[low - self.low : high - self.low + 1]
        return int(entries.min()), int(entries.max())

    def run(self, *inputs: IntArray) -> IntArray:
        """The entries; ConfigError where there is none."""
        found: IntArray = self.table[self._places(inputs[0])]
        return found

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The gradient is the table's slope: half the step over both neighbours."""
        import torch

        from nn.straight_through import as_run

        slopes = np.gradient(self.table.astype(float)) if self.table.size > 1 else np.zeros(1)
        places = self._places(inputs[0].detach().to(torch.int64).numpy())
        return as_run(self, inputs[0] * torch.from_numpy(slopes[places]), *inputs)

    def _places(self, x: IntArray) -> IntArray:
        """In the table."""
        if x.size:
            self._check(int(x.min()), int(x.max()))
        return x - self.low

    def _check(self, low: int, high: int) -> None:
        last = self.low + self.table.size - 1
        if low < self.low or high > last:
            raise ConfigError(f"lookup: inputs of {low} to {high} for a table of {self.low} to {last}")
