"""Tensors side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Concat(Operator):
    """One after the other along an axis.

    Args:
        axis: from 0, the batch not counted; that of channels is the last.
    """

    axis: int

    arity: ClassVar[None] = None

    def shape(self, *shapes: Shape) -> Shape:
        """The inputs' shape, lengths along the axis added."""
        first = shapes[0]
        if not 0 <= self.axis < len(first):
            raise ConfigError(f"concat: axis {self.axis} of inputs with {len(first)} axes")
        others = {(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in shapes}
        if len(others) > 1:
            said = " and ".join(map(str, shapes))
            raise ConfigError(f"concat: its inputs have shapes {said}, which must differ on axis {self.axis} alone")
        return (*first[: self.axis], sum(shape[self.axis] for shape in shapes), *first[self.axis + 1 :])

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The widest."""
        return min(low for low, _ in bounds), max(high for _, high in bounds)

    def run(self, *inputs: IntArray) -> IntArray:
        """The same integers."""
        return np.concatenate(inputs, axis=self.axis + 1)

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        import torch

        return torch.cat(inputs, dim=self.axis + 1)
