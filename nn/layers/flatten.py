"""All axes but the batch into one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.operator import channels_first
from nn.ops.flatten import Flatten as IntegerFlatten


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """Row-major; of an image channel after channel, as torch has it."""

    torch_names: ClassVar[tuple[str, ...]] = ("flatten",)

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's flatten over all axes but the batch."""
        if len(call.output) != 1:
            raise ConfigError("flatten is mapped over all axes but the batch only (start_dim=1, end_dim=-1)")
        return cls()

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The same values, shape (batch, features)."""
        (x,) = inputs
        return channels_first(x).reshape(len(x), math.prod(x.shape[1:]))

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The same integers; features of one scale, since channels end here."""
        (x,) = inputs
        x = build.codes(x) if x.scale.size > 1 else x
        return replace(x, node=build.add(name, IntegerFlatten(), x))
