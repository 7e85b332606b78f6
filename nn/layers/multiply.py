"""Product of two tensors, element by element, as squeeze-and-excite needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nn.layer import Builder, FloatArray, Layer, Tensor
from nn.ops.multiply import Multiply as IntegerMultiply


@dataclass(frozen=True, eq=False)
class Multiply(Layer):
    """``a * b``; axes of length 1 are repeated."""

    torch_names: ClassVar[tuple[str, ...]] = ("mul",)
    onnx_names: ClassVar[tuple[str, ...]] = ("Mul",)
    along: ClassVar[int] = 0
    arity: ClassVar[int] = 2

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The products."""
        return inputs[0] * inputs[1]

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Codes times codes, exact."""
        a, b = (build.codes(each) for each in inputs)
        return Tensor(build.add(name, IntegerMultiply(), a, b), a.scale * b.scale)
