"""All axes but the batch into one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bitline.core.array import IntArray
from nn.operator import Bounds, Operator, Shape


@dataclass(frozen=True, eq=False)
class Flatten(Operator):
    """Row-major: the last axis runs fastest."""

    def shape(self, *shapes: Shape) -> Shape:
        """(features,)."""
        return (math.prod(shapes[0]),)

    def bounds(self, *bounds: Bounds) -> Bounds:
        """Unchanged."""
        return bounds[0]

    def run(self, *inputs: IntArray) -> IntArray:
        """The same values, shape (batch, features)."""
        (x,) = inputs
        return x.reshape(len(x), math.prod(x.shape[1:]))
