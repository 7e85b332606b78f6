"""Operators that multiply by a matrix of weights: what arrays compute, and what everything else is built around."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.core.array import IntArray
from nn.operator import Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch


_VALUES = 2**23  # numbers that the vectors of some images may take: 64 MB


@dataclass(frozen=True, eq=False)
class Product(Operator):
    """``vectors(x) @ matrix + bias``, the matrix block-diagonal where channels come in groups.

    Args:
        weights: integers, in a shape of the operator's own.
        bias: (outputs,), in units of one product.
    """

    weights: IntArray
    bias: IntArray

    @property
    @abstractmethod
    def matrices(self) -> IntArray:
        """The blocks on the matrix's diagonal, shape (groups, rows, cols), as g[word_line, bit_line]."""

    @abstractmethod
    def with_matrices(self, matrices: IntArray, bias: IntArray) -> Product:
        """The same operator with other weights, given as `matrices` gives them."""

    @abstractmethod
    def vectors(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """What the matrix multiplies: (vectors, groups * rows), images in order, group after group along the row."""

    @abstractmethod
    def vector_shape(self, shape: Shape) -> Shape:
        """The axes of an input's vectors, without the batch: (height, width) of a convolution's result, () of one."""

    @abstractmethod
    def torch_multiply(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """``run`` without the bias, for tensors of inputs and of weights in the shape of `weights`."""

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """By the weights and the bias as they are."""
        import torch

        return self.torch_product(inputs[0], torch.tensor(self.weights), torch.tensor(self.bias))

    def torch_product(self, x: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """``run`` with weights and a bias that training changes: exact, for tensors that hold integers.

        In single precision, which is several times as fast, where no sum can reach the 2^24 up to which it is exact.
        """
        import torch

        heaviest = weights.detach().abs().flatten(0, -2).sum(dim=0).max()
        small = bool(heaviest * x.detach().abs().max() < 2**24)
        kind = torch.float32 if small else torch.float64
        return self.torch_multiply(x.to(kind), weights.to(kind)).double() + bias

    @property
    def rows(self) -> int:
        """Inputs of the whole matrix."""
        groups, rows, _ = (int(size) for size in self.matrices.shape)
        return groups * rows

    @property
    def cols(self) -> int:
        """Outputs of the whole matrix."""
        return len(self.bias)

    def shape(self, *shapes: Shape) -> Shape:
        """Vectors and outputs."""
        return (*self.vector_shape(shapes[0]), self.cols)

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The extremes over all outputs, every input at its worst."""
        low, high = bounds[0]
        positive, negative = (f(self.matrices, 0).sum(axis=1).ravel() for f in (np.maximum, np.minimum))
        if self.pads:
            low, high = min(low, 0), max(high, 0)
        least = positive * low + negative * high + self.bias
        most = positive * high + negative * low + self.bias
        return int(least.min()), int(most.max())

    @property
    def pads(self) -> bool:
        """Whether zeros are among the inputs whatever the image."""
        return False

    @cached_property
    def _exact_in_float(self) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
        """The blocks as floats, and the input magnitude up to which every partial sum is an exact float (2^53)."""
        heaviest = int(np.abs(self.matrices).sum(axis=1).max(initial=0))
        return self.matrices.astype(float), 2**53 // max(heaviest, 1)

    def run(self, *inputs: IntArray) -> IntArray:
        """Exact: by BLAS in floats while no sum can reach 2^53, else in int64."""
        (x,) = inputs
        matrices, limit = self._exact_in_float
        if x.size and max(int(x.max()), -int(x.min())) > limit:
            found = self.multiply(x, self.matrices)
        else:
            found = self.multiply(x.astype(float), matrices).astype(np.int64)
        return found + self.bias

    def multiply(self, x: np.ndarray[Any, Any], matrices: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """``x`` by blocks of any kind of number, without the bias: (batch, *vector_shape, outputs)."""
        share = max(_VALUES // (self.rows * math.prod(self.vector_shape(x.shape[1:]))), 1)
        if len(x) > share:
            parts = [self.multiply(x[start : start + share], matrices) for start in range(0, len(x), share)]
            return np.concatenate(parts)
        groups, rows, _ = matrices.shape
        vectors = self.vectors(x).reshape(-1, groups, rows)
        if groups == 1:
            found = vectors[:, 0] @ matrices[0]
        else:
            found = np.matmul(vectors.transpose(1, 0, 2), matrices).transpose(1, 0, 2)
        result: np.ndarray[Any, Any] = found.reshape(len(x), *self.shape(x.shape[1:]))
        return result

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """A multiply-accumulate for every weight and vector; the bias is the accumulator's first value."""
        return {"mac": self.matrices.size * math.prod(self.vector_shape(shapes[0]))}
