"""Product of two computed tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.matmul import Matmul as IntegerMatmul
from nn.ops.matmul import multiplied


@dataclass(frozen=True, eq=False)
class Matmul(Layer):
    """``a @ b`` of matrices, or of many at once, whose number is the last axis here and the first in torch.

    Args:
        terms: products in a sum.
    """

    terms: int

    torch_names: ClassVar[tuple[str, ...]] = ("matmul", "bmm", "mm")
    onnx_names: ClassVar[tuple[str, ...]] = ("MatMul",)
    arity: ClassVar[int] = 2
    along: ClassVar[int] = 2

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's product of two tensors that hold matrices."""
        if any(len(shape) not in (2, 3) for shape in call.inputs):
            raise ConfigError(f"a product of tensors of shapes {' and '.join(map(str, call.inputs))} is not mapped")
        return cls(call.inputs[0][-1])

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The product."""
        return multiplied(*inputs)

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Codes by codes."""
        a, b = (build.codes(tensor) for tensor in inputs)
        return Tensor(build.add(name, IntegerMatmul(self.terms), a, b), a.scale * b.scale)
