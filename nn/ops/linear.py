"""Matrix product with int32 accumulators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape


@dataclass(frozen=True, eq=False)
class Linear(Operator):
    """``x @ weights + bias``.

    Args:
        weights: (inputs, outputs), as g[word_line, bit_line].
        bias: (outputs,), in units of one product.
    """

    weights: IntArray
    bias: IntArray

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights.ndim != 2 or self.bias.shape != self.weights.shape[1:]:
            raise ConfigError(
                f"linear: weights {self.weights.shape} and bias {self.bias.shape} must be (inputs, outputs), (outputs,)"
            )

    def shape(self, *shapes: Shape) -> Shape:
        """(outputs,) from (inputs,)."""
        if shapes[0] != self.weights.shape[:1]:
            raise ConfigError(f"linear: its input has shape {shapes[0]}, its weights take {self.weights.shape[:1]}")
        return (self.weights.shape[1],)

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The extremes over all outputs, every input at its worst."""
        low, high = bounds[0]
        positive, negative = np.maximum(self.weights, 0).sum(0), np.minimum(self.weights, 0).sum(0)
        least = positive * low + negative * high + self.bias
        most = positive * high + negative * low + self.bias
        return int(least.min()), int(most.max())

    @cached_property
    def _exact_in_float(self) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], int]:
        """The weights as floats, and the input magnitude up to which every partial sum is an exact float (2^53)."""
        heaviest = int(np.abs(self.weights).sum(0).max(initial=0))
        return self.weights.astype(float), 2**53 // max(heaviest, 1)

    def run(self, *inputs: IntArray) -> IntArray:
        """Exact: by BLAS in floats while no sum can reach 2^53, else in int64."""
        (x,) = inputs
        weights, limit = self._exact_in_float
        if x.size and max(int(x.max()), -int(x.min())) > limit:
            product = x.astype(np.int64) @ self.weights
        else:
            product = (x.astype(float) @ weights).astype(np.int64)
        return product + self.bias

    def operations(self, *shapes: Shape) -> Mapping[str, int]:  # noqa: ARG002 - the weights know
        """A multiply-accumulate for every weight; the bias is the accumulator's first value."""
        return {"mac": self.weights.size}
