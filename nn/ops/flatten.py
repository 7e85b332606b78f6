"""All axes but the batch into one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bitline.core.array import IntArray
from nn.operator import Bounds, Operator, Shape, channels_first

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Flatten(Operator):
    """Row-major; of an image channel after channel, as torch has it."""

    def shape(self, *shapes: Shape) -> Shape:
        """(features,)."""
        return (math.prod(shapes[0]),)

    def bounds(self, *bounds: Bounds) -> Bounds:
        """Unchanged."""
        return bounds[0]

    def run(self, *inputs: IntArray) -> IntArray:
        """The same values, shape (batch, features)."""
        (x,) = inputs
        return channels_first(x).reshape(len(x), math.prod(x.shape[1:]))

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        (x,) = inputs
        return (x.movedim(-1, 1) if x.dim() == 4 else x).flatten(1)
