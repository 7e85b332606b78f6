"""Sum of two tensors, as a residual connection needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.add import Add as IntegerAdd


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """``a + b``; axes of length 1 are repeated."""

    torch_names: ClassVar[tuple[str, ...]] = ("add",)
    onnx_names: ClassVar[tuple[str, ...]] = ("Add",)
    along: ClassVar[int] = 0
    arity: ClassVar[int] = 2

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's add of two tensors."""
        if call["alpha"] not in (None, 1):
            raise ConfigError(f"alpha = {call['alpha']} is not mapped; multiply before adding")
        return cls()

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The sums."""
        return inputs[0] + inputs[1]

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Both brought to one fine scale, then added."""
        a, b = build.common(name, inputs)
        return Tensor(build.add(name, IntegerAdd(), a, b), a.scale)
