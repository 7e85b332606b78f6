"""Fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from nn.layer import Builder, FloatArray, Layer, Tensor
from nn.ops.linear import Linear as IntegerLinear


@dataclass(frozen=True, eq=False)
class Linear(Layer):
    """``x @ weights + bias``; weights (inputs, outputs), bias (outputs,)."""

    weights: FloatArray
    bias: FloatArray

    torch_names: ClassVar[tuple[str, ...]] = ("Linear",)

    @classmethod
    def from_torch(cls, module: Any) -> Self:
        """From torch.nn.Linear, whose weight is (outputs, inputs)."""
        weights = module.weight.detach().double().numpy().T.copy()
        bias = np.zeros(weights.shape[1]) if module.bias is None else module.bias.detach().double().numpy().copy()
        return cls(weights, bias)

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The product."""
        product: FloatArray = inputs[0] @ self.weights + self.bias
        return product

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Codes times integer weights; the bias in units of one product."""
        x = build.codes(inputs[0])
        weights, weight_scale = build.weights(self.weights)
        scale = x.scale * weight_scale
        bias = np.rint(self.bias / scale).astype(np.int64)
        return Tensor(build.add(name, IntegerLinear(weights, bias), x), scale)
