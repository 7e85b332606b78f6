"""Tensors side by side, as the branches of a block are joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from nn.layer import Builder, Call, FloatArray, Layer, Tensor, axis_of
from nn.ops.concat import Concat as IntegerConcat


@dataclass(frozen=True, eq=False)
class Concat(Layer):
    """One after the other along an axis, the batch not counted; that of channels is the last."""

    axis: int

    torch_names: ClassVar[tuple[str, ...]] = ("cat", "concat", "concatenate")
    onnx_names: ClassVar[tuple[str, ...]] = ("Concat",)
    arity: ClassVar[int | None] = None

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's cat along any axis but the batch."""
        return cls(axis_of(int(call["dim"] or 0), len(call.output)))

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's Concat."""
        return cls.from_torch(call.translated("cat", dim="axis"))

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The same values."""
        return np.concatenate(inputs, axis=self.axis + 1)

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Channels keep their own scales, and nothing is rounded; along another axis all are brought to one first."""
        scales = {float(each.scale[0]) if each.scale.size == 1 else None for each in inputs}
        alike = len(scales) == 1 and None not in scales
        if not alike and self.axis == len(build.shape(inputs[0])) - 1:
            scale = np.concatenate([np.broadcast_to(each.scale, build.shape(each)[-1:]) for each in inputs])
        else:
            inputs = inputs if alike else build.common(name, inputs)
            scale = inputs[0].scale
        limits = min(each.limits[0] for each in inputs), max(each.limits[1] for each in inputs)
        return Tensor(build.add(name, IntegerConcat(self.axis), *inputs), scale, limits)
