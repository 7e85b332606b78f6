"""All axes but the batch into one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from bitline.core.errors import ConfigError
from nn.layer import Builder, FloatArray, Layer, Tensor
from nn.ops.flatten import Flatten as IntegerFlatten


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """Row-major: the last axis runs fastest."""

    torch_names: ClassVar[tuple[str, ...]] = ("Flatten", "flatten")
    torch_arguments: ClassVar[tuple[str, ...]] = ("start_dim", "end_dim")

    @classmethod
    def from_torch(cls, module: Any) -> Self:
        """From torch.nn.Flatten or torch.flatten over all axes but the batch."""
        if (getattr(module, "start_dim", 0), getattr(module, "end_dim", -1)) != (1, -1):  # as torch's defaults
            raise ConfigError("flatten is mapped over all axes but the batch only (start_dim=1, end_dim=-1)")
        return cls()

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The same values, shape (batch, features)."""
        (x,) = inputs
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The same integers; features of one scale, since channels end here."""
        (x,) = inputs
        x = build.codes(x) if x.scale.size > 1 else x
        return replace(x, node=build.add(name, IntegerFlatten(), x))
