"""Product of two tensors, element by element, as squeeze-and-excite needs it."""

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
class Multiply(Operator):
    """``a * b``."""

    arity: ClassVar[int] = 2

    def shape(self, *shapes: Shape) -> Shape:
        """The common shape; axes of length 1 are repeated."""
        return common_shape("multiply", shapes)

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The least and greatest product of two bounds."""
        products = [a * b for a in bounds[0] for b in bounds[1]]
        return min(products), max(products)

    def run(self, *inputs: IntArray) -> IntArray:
        """The products."""
        return inputs[0] * inputs[1]

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        return inputs[0] * inputs[1]

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """One multiplication an element."""
        return {"multiply": math.prod(self.shape(*shapes))}
