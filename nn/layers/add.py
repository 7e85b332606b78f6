"""Sum of two tensors, as a residual connection needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nn.layer import Builder, FloatArray, Layer, Tensor
from nn.ops.add import Add as IntegerAdd


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """``a + b``."""

    torch_names: ClassVar[tuple[str, ...]] = ("add",)
    arity: ClassVar[int] = 2

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The sums."""
        return inputs[0] + inputs[1]

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Both brought to one fine scale, then added."""
        a, b = build.common(name, inputs)
        return Tensor(build.add(name, IntegerAdd(), a, b), a.scale)
