"""Weighted sums of an image's pixels, rows and columns apart: average pooling, zero padding, repeated pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class SumPixels(Operator):
    """``y[i, j] = sum over h, w of down[i, h] x[h, w] across[j, w]``, each channel by itself.

    A window of a pooling is a row of ones; where windows at the edge have fewer pixels, their weights make up for it.

    Args:
        down: (rows of the result, height), 0 or more.
        across: (columns of the result, width), 0 or more.
    """

    down: IntArray
    across: IntArray

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("down", "across"):
            weights = getattr(self, name)
            if weights.ndim != 2 or not weights.size or weights.min() < 0:
                raise ConfigError(f"sum_pixels: {name} must be a matrix of numbers that are 0 or more")
        if self._heaviest >= 2**22:  # an int32 times so much is exact in a float
            raise ConfigError("sum_pixels: the weights of one result add up to 2^22 or more")

    @property
    def _heaviest(self) -> int:
        return int(self.down.sum(axis=1).max()) * int(self.across.sum(axis=1).max())

    def shape(self, *shapes: Shape) -> Shape:
        """Rows, columns and channels; rows and features of tokens (tokens, features), whose `across` is one weight."""
        height, width = self.down.shape[1], self.across.shape[1]
        shape = shapes[0]
        if len(shape) == 2 and shape[0] == height and self.across.shape == (1, 1):
            return len(self.down), shape[1]
        if len(shape) != 3 or shape[:2] != (height, width):
            raise ConfigError(f"sum_pixels: its input has shape {shape}; ({height}, {width}, channels) is needed")
        return len(self.down), len(self.across), shape[2]

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The bounds times the least and greatest weight of a result."""
        weights = [int(d) * int(a) for d in _ends(self.down) for a in _ends(self.across)]
        low, high = bounds[0]
        return min(low * weight for weight in weights), max(high * weight for weight in weights)

    def run(self, *inputs: IntArray) -> IntArray:
        """Exact, by BLAS in floats: no sum reaches 2^53."""
        return weighed(inputs[0].astype(float), self.down.astype(float), self.across.astype(float)).astype(np.int64)

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same."""
        import torch

        (x,) = inputs
        down, across = (torch.tensor(each, dtype=torch.float64) for each in (self.down, self.across))
        pixels = x.reshape(len(x), down.shape[1], across.shape[1], x.shape[-1])
        return torch.einsum("ih,bhwc,jw->bijc", down, pixels, across).reshape(len(x), *self.shape(tuple(x.shape[1:])))

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """Sums of rows first, then of columns; multiplications where weights are neither 0 nor 1."""
        self.shape(*shapes)
        channels = shapes[0][-1]
        elements = self.across.shape[1] * channels, len(self.down) * channels
        parts = list(zip((self.down, self.across), elements, strict=True))
        adds = sum(int(np.maximum(np.count_nonzero(each, axis=1) - 1, 0).sum()) * size for each, size in parts)
        return {"add": adds, "multiply": sum(int((each > 1).sum()) * size for each, size in parts)}


def weighed(x: np.ndarray[Any, Any], down: np.ndarray[Any, Any], across: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The sums of images (batch, height, width, channels) or tokens (batch, tokens, features)."""
    batch, width, channels = len(x), across.shape[1], x.shape[-1]
    rows = np.matmul(down, x.reshape(batch, -1, width * channels))
    found: np.ndarray[Any, Any] = np.matmul(across, rows.reshape(batch, len(down), width, channels))
    return found[:, :, 0] if x.ndim == 3 else found


def _ends(weights: IntArray) -> tuple[int, int]:
    sums = weights.sum(axis=1)
    return int(sums.min()), int(sums.max())
