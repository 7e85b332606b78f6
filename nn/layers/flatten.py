"""All axes but the batch into one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from nn.layer import Builder, FloatArray, Layer, Tensor
from nn.operator import channels_first
from nn.ops.flatten import Flatten as IntegerFlatten


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """Row-major; of an image channel after channel, as torch has it."""

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The same values, shape (batch, features)."""
        (x,) = inputs
        return channels_first(x).reshape(len(x), math.prod(x.shape[1:]))

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The same integers; features of one scale, unless each channel is one pixel."""
        (x,) = inputs
        if x.scale.size not in (1, math.prod(build.shape(x))):
            x = build.codes(x)
        return replace(x, node=build.add(name, IntegerFlatten(), x))
