"""Fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.layer import Call, FloatArray, ProductLayer
from nn.ops.linear import Linear as IntegerLinear


@dataclass(frozen=True, eq=False)
class Linear(ProductLayer):
    """``x @ weights + bias`` along the last axis; weights (inputs, outputs), bias (outputs,)."""

    torch_names: ClassVar[tuple[str, ...]] = ("linear", "addmm", "matmul", "mm")
    onnx_names: ClassVar[tuple[str, ...]] = ("Gemm", "MatMul")
    along: ClassVar[int] = 1

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's linear, whose weight is (outputs, inputs), or a product with a parameter (inputs, outputs)."""
        if call.kind == "linear":
            return cls.of(call["weight"].T, call["bias"])
        if call.kind == "addmm":
            return cls.of(call["mat2"] * call["alpha"], call["self"] * call["beta"])
        return cls.of(call["other" if call.kind == "matmul" else "mat2"])

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's Gemm, alpha * A @ B + beta * C with perhaps a transposed B, or MatMul."""
        if call["transA"]:
            raise ConfigError("a Gemm of a transposed tensor is not mapped")
        weights = call["B"] * (1.0 if call["alpha"] is None else call["alpha"]) if call["B"] is not None else None
        bias = call["C"] * (1.0 if call["beta"] is None else call["beta"]) if call["C"] is not None else None
        return cls.of(weights.T if call["transB"] and weights is not None else weights, bias)

    @classmethod
    def of(cls, weights: FloatArray | None, bias: FloatArray | None = None) -> Self:
        """From weights (inputs, outputs) and a bias that broadcasts to (outputs,)."""
        if weights is None or weights.ndim != 2:
            raise ConfigError("a product with a parameter is mapped where the parameter comes second and is a matrix")
        outputs = weights.shape[1]
        return cls(weights.copy(), np.zeros(outputs) if bias is None else np.broadcast_to(bias, outputs).copy())

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The product."""
        product: FloatArray = inputs[0] @ self.weights + self.bias
        return product

    def fed(self, gain: FloatArray, offset: FloatArray) -> Linear:
        """By rows."""
        inputs = len(self.weights)
        offsets = np.broadcast_to(offset, (inputs,))
        weights = self.weights * np.broadcast_to(gain, (inputs,))[:, None]
        return replace(self, weights=weights, bias=self.bias + offsets @ self.weights)

    def operator(self, weights: IntArray, bias: IntArray) -> IntegerLinear:
        """The same on integers."""
        return IntegerLinear(weights, bias)
