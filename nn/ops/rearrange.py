"""Moving numbers: reshapes, transpositions, slices, and whatever else only says where each number goes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Rearrange(Operator):
    """``result[p] = x[index[p]]`` for every place p of the result.

    Args:
        index: places in the flattened input of one image, in the result's shape; a place may be taken often or never.
    """

    index: IntArray

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.index.size or self.index.min() < 0:
            raise ConfigError("rearrange: the index must hold places in its input, 0 or more")

    def shape(self, *shapes: Shape) -> Shape:
        """The index's."""
        if self.index.max() >= math.prod(shapes[0]):
            raise ConfigError(f"rearrange: it takes number {self.index.max()} of an input of shape {shapes[0]}")
        shape: Shape = self.index.shape
        return shape

    def bounds(self, *bounds: Bounds) -> Bounds:
        """Unchanged."""
        return bounds[0]

    def run(self, *inputs: IntArray) -> IntArray:
        """The numbers where they belong."""
        return rearranged(inputs[0], self.index)

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        import torch

        return inputs[0].flatten(1)[:, torch.from_numpy(np.array(self.index))]


def rearranged(x: np.ndarray[Any, Any], index: IntArray) -> np.ndarray[Any, Any]:
    """Numbers of x (batch, *shape), each image's taken at `index` of its flattened self."""
    return x.reshape(len(x), -1)[:, index]
