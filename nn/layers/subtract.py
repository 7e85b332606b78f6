"""Difference of two tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.add import Add as IntegerAdd
from nn.ops.affine import Affine as IntegerAffine


@dataclass(frozen=True, eq=False)
class Subtract(Layer):
    """``a - b``; axes of length 1 are repeated."""

    torch_names: ClassVar[tuple[str, ...]] = ("sub",)
    onnx_names: ClassVar[tuple[str, ...]] = ("Sub",)
    along: ClassVar[int] = 0
    arity: ClassVar[int] = 2

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's sub of two tensors."""
        if call["alpha"] not in (None, 1):
            raise ConfigError(f"alpha = {call['alpha']} is not mapped; multiply before subtracting")
        return cls()

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The differences."""
        return inputs[0] - inputs[1]

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Both brought to one fine scale, one turned, then added."""
        a, b = build.common(name, inputs)
        turned = replace(b, node=build.add(f"{name}.turned", IntegerAffine(np.array([-1]), np.array([0])), b))
        return Tensor(build.add(name, IntegerAdd(), a, turned), a.scale)
