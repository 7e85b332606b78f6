"""A factor and a constant for each channel, as a batch norm that no matrix product takes in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Affine(Operator):
    """``x * factor + bias``, exact.

    Args:
        factor: shape (1,) for a tensor or (channels,).
        bias: shape (1,), (channels,), or that of an image.
    """

    factor: IntArray
    bias: IntArray

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.factor.ndim != 1 or self.bias.ndim < 1:
            raise ConfigError(
                f"affine: factor {self.factor.shape} and bias {self.bias.shape} must have one axis, and one or more"
            )

    def shape(self, *shapes: Shape) -> Shape:
        """Unchanged."""
        for name in ("factor", "bias"):
            held = getattr(self, name).shape
            try:
                fits = np.broadcast_shapes(held, shapes[0]) == shapes[0]
            except ValueError:
                fits = False
            if not fits:
                raise ConfigError(f"affine: a {name} of shape {held} does not fit an input of shape {shapes[0]}")
        return shapes[0]

    def bounds(self, *bounds: Bounds) -> Bounds:
        """Of the channel that goes farthest."""
        ends = np.stack([end * self.factor + self.bias for end in bounds[0]])
        return int(ends.min()), int(ends.max())

    def run(self, *inputs: IntArray) -> IntArray:
        """The results."""
        return inputs[0] * self.factor + self.bias

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        import torch

        return inputs[0] * torch.tensor(self.factor) + torch.tensor(self.bias)

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """One addition an element, and one multiplication unless every factor is a power of 2, which is wiring."""
        count = math.prod(shapes[0])
        sizes = np.abs(self.factor)
        return {"add": count, "multiply": count if np.any(sizes & (sizes - 1)) else 0}
