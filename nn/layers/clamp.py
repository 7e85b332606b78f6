"""Limiting to a range: ReLU6, hard tanh, clamps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from nn.layer import Builder, Call, FloatArray, Layer, Tensor


@dataclass(frozen=True, eq=False)
class Clamp(Layer):
    """``min(max(x, low), high)``; either may be infinite."""

    low: float
    high: float

    torch_names: ClassVar[tuple[str, ...]] = ("relu6", "hardtanh", "clamp", "clamp_min", "clamp_max")
    onnx_names: ClassVar[tuple[str, ...]] = ("Clip",)
    along: ClassVar[int] = 0

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's relu6, hardtanh(min_val, max_val) and clamps(min, max)."""
        if call.kind == "relu6":
            return cls(0.0, 6.0)
        prefix = "_val" if call.kind == "hardtanh" else ""
        low, high = call[f"min{prefix}"], call[f"max{prefix}"]
        return cls(-math.inf if low is None else float(low), math.inf if high is None else float(high))

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The limited values."""
        limited: FloatArray = np.clip(inputs[0], self.low, self.high)
        return limited

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """One requantisation, whose own clamp has these limits."""
        return build.clamped(name, inputs[0], self.low, self.high)
