"""Rectified linear unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nn.layer import Builder, FloatArray, Layer, Tensor


@dataclass(frozen=True, eq=False)
class Relu(Layer):
    """``max(x, 0)``."""

    torch_names: ClassVar[tuple[str, ...]] = ("relu",)
    onnx_names: ClassVar[tuple[str, ...]] = ("Relu",)
    along: ClassVar[int] = 0

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The rectified values."""
        rectified: FloatArray = np.maximum(inputs[0], 0.0)
        return rectified

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """One requantisation, whose clamp at 0 is the ReLU."""
        return build.clamped(name, inputs[0], low=0.0)
