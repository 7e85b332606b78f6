"""Numbers that are the same for every image, as a class token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bitline.core.array import IntArray
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Constant(Operator):
    """`values`, whatever the input, which only says how many images there are.

    Args:
        values: of one image.
    """

    values: IntArray

    def shape(self, *shapes: Shape) -> Shape:  # noqa: ARG002 - of any input
        """That of the values."""
        shape: Shape = self.values.shape
        return shape

    def bounds(self, *bounds: Bounds) -> Bounds:  # noqa: ARG002 - of any input
        """The least and the greatest value."""
        return int(self.values.min()), int(self.values.max())

    def run(self, *inputs: IntArray) -> IntArray:
        """The values for each image."""
        return np.broadcast_to(self.values, (len(inputs[0]), *self.values.shape))

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        import torch

        return torch.tensor(self.values, dtype=torch.float64).expand(len(inputs[0]), *self.values.shape)
