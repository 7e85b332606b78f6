"""Matrix product with int32 accumulators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Shape
from nn.product import Product

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Linear(Product):
    """``x @ weights + bias`` along the last axis.

    Args:
        weights: (inputs, outputs), as g[word_line, bit_line].
        bias: (outputs,), in units of one product.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights.ndim != 2 or self.bias.shape != self.weights.shape[1:]:
            raise ConfigError(
                f"linear: weights {self.weights.shape} and bias {self.bias.shape} must be (inputs, outputs), (outputs,)"
            )

    @property
    def matrices(self) -> IntArray:
        """One block."""
        return self.weights[None]

    def with_matrices(self, matrices: IntArray, bias: IntArray) -> Linear:
        """From one block."""
        return Linear(matrices[0], bias)

    def vectors(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Every vector along the last axis."""
        return x.reshape(-1, x.shape[-1])

    def torch_multiply(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """By torch's matrix product."""
        return x @ weights

    def vector_shape(self, shape: Shape) -> Shape:
        """All axes but the last."""
        if shape[-1:] != self.weights.shape[:1]:
            raise ConfigError(f"linear: its input has shape {shape}, its weights take {self.weights.shape[:1]}")
        return shape[:-1]
