"""Sum of two tensors of one scale, as a residual connection needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bitline.core.array import IntArray
from nn.operator import Bounds, Operator, Shape, common_shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Add(Operator):
    """``a + b``; whoever builds the graph brings both to one scale first."""

    arity: ClassVar[int] = 2

    def shape(self, *shapes: Shape) -> Shape:
        """The common shape; axes of length 1 are repeated."""
        return common_shape("add", shapes)

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The sums of the bounds."""
        return bounds[0][0] + bounds[1][0], bounds[0][1] + bounds[1][1]

    def run(self, *inputs: IntArray) -> IntArray:
        """The sums."""
        return inputs[0] + inputs[1]

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        return inputs[0] + inputs[1]

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """One addition an element."""
        return {"add": math.prod(self.shape(*shapes))}
