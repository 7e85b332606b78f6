"""Fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from bitline.core.array import IntArray
from nn.layer import Call, FloatArray, ProductLayer
from nn.ops.linear import Linear as IntegerLinear


@dataclass(frozen=True, eq=False)
class Linear(ProductLayer):
    """``x @ weights + bias`` along the last axis; weights (inputs, outputs), bias (outputs,)."""

    torch_names: ClassVar[tuple[str, ...]] = ("linear",)

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's linear, whose weight is (outputs, inputs)."""
        weights = call["weight"].T.copy()
        return cls(weights, np.zeros(weights.shape[1]) if call["bias"] is None else call["bias"])

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The product."""
        product: FloatArray = inputs[0] @ self.weights + self.bias
        return product

    def operator(self, weights: IntArray, bias: IntArray) -> IntegerLinear:
        """The same on integers."""
        return IntegerLinear(weights, bias)
