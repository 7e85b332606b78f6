"""Numbers that are the same for every image, as a class token; the importers make it where a tensor is expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nn.layer import Builder, FloatArray, Layer, Tensor
from nn.ops.constant import Constant as IntegerConstant

_TOP = 2**15 - 1


@dataclass(frozen=True, eq=False)
class Constant(Layer):
    """`values` (*shape), whatever the input, which only says how many images there are."""

    values: FloatArray

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The values for each image."""
        return np.broadcast_to(self.values, (len(inputs[0]), *self.values.shape))

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """16-bit integers, finer than any activation."""
        scale = np.array([max(float(np.abs(self.values).max()), 1e-30) / _TOP])
        return Tensor(build.add(name, IntegerConstant(np.rint(self.values / scale).astype(np.int64)), *inputs), scale)
