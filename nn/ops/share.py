"""Sums divided by the sum of their weights, exactly: the end of a softmax, before or after a product."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape
from nn.ops._divide import divided
from nn.ops.requantise import HALF_AWAY, HALF_EVEN

if TYPE_CHECKING:
    import torch

_MOST_BITS = 30


@dataclass(frozen=True, eq=False)
class Share(Operator):
    """``round(2^bits x / sum(weights))``, x and weights being two inputs, the sum along an axis.

    Args:
        bits: of the result's fraction.
        least: least sum of weights that there can be, above 0.
        axis: of the weights, counted from the last, -1; x has one axis in its place.
        rounding: of the division's ties, as in nn.ops.requantise.
    """

    bits: int
    least: int
    axis: int = -1
    rounding: str = HALF_EVEN

    arity: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.bits <= _MOST_BITS or self.least < 1 or self.axis >= 0:
            raise ConfigError(
                f"share: bits = {self.bits} must be within 0 and {_MOST_BITS}, least = {self.least} above 0, axis = "
                f"{self.axis} below 0"
            )
        if self.rounding not in (HALF_EVEN, HALF_AWAY):
            raise ConfigError(f"share: rounding = {self.rounding!r} is neither {HALF_EVEN!r} nor {HALF_AWAY!r}")

    def shape(self, *shapes: Shape) -> Shape:
        """That of x."""
        x, weights = (list(shape) for shape in shapes)
        if len(x) != len(weights) or len(x) < -self.axis:
            raise ConfigError(f"share: inputs of shapes {shapes[0]} and {shapes[1]} have no common axis {self.axis}")
        del x[self.axis], weights[self.axis]
        if x != weights:
            raise ConfigError(f"share: inputs of shapes {shapes[0]} and {shapes[1]} differ beside axis {self.axis}")
        return shapes[0]

    def bounds(self, *bounds: Bounds) -> Bounds:
        """For the least sum."""
        low, high = (end << self.bits for end in bounds[0])
        return min(low // self.least, 0), max(-(-high // self.least), 0)

    def run(self, *inputs: IntArray) -> IntArray:
        """The quotients."""
        x, weights = inputs
        return divided(x << self.bits, weights.sum(axis=self.axis, keepdims=True), self.rounding)

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The gradient is that of the quotient."""
        from nn.straight_through import as_run

        x, weights = inputs
        return as_run(self, x * 2**self.bits / weights.sum(dim=self.axis, keepdim=True), x, weights)

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """The sums, and a division an element, which is counted as a multiplication."""
        return {"multiply": math.prod(shapes[0]), "add": math.prod(shapes[1])}
