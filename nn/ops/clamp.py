"""Limiting to a range; ReLU is the clamp from 0, ReLU6 one from 0 to six units."""

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
class Clamp(Operator):
    """``min(max(x, low), high)``."""

    low: int
    high: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low > self.high:
            raise ConfigError(f"clamp: low = {self.low} is above high = {self.high}")

    def shape(self, *shapes: Shape) -> Shape:
        """Unchanged."""
        return shapes[0]

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The input's bounds, limited."""
        low, high = bounds[0]
        return min(max(low, self.low), self.high), min(max(high, self.low), self.high)

    def run(self, *inputs: IntArray) -> IntArray:
        """The limited values."""
        limited: IntArray = np.clip(inputs[0], self.low, self.high)
        return limited

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same; there is no gradient beyond the limits."""
        return inputs[0].clamp(self.low, self.high)
