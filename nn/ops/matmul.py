"""Product of two computed tensors, as attention needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape, channels_first, channels_last

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Matmul(Operator):
    """``a @ b``, or ``a @ b.T``, with int32 accumulators; of many matrices at once their number is the last axis.

    Args:
        terms: products in a sum: columns of a.
        transposed: 1 where b is given as (columns, terms), 0 where as (terms, columns).
    """

    terms: int
    transposed: int = 0

    arity: ClassVar[int] = 2

    def shape(self, *shapes: Shape) -> Shape:
        """(rows, columns), or (rows, columns, matrices)."""
        a, b = shapes
        inner, columns = (b[1], b[0]) if self.transposed else b[:2]
        if len(a) not in (2, 3) or len(a) != len(b) or not a[1] == inner == self.terms or a[2:] != b[2:]:
            raise ConfigError(f"matmul: matrices of shapes {a} and {b} can't be multiplied over {self.terms} terms")
        return (a[0], columns, *a[2:])

    def bounds(self, *bounds: Bounds) -> Bounds:
        """Every term at its worst."""
        products = [one * other for one in bounds[0] for other in bounds[1]]
        return self.terms * min(products), self.terms * max(products)

    def run(self, *inputs: IntArray) -> IntArray:
        """Exact: by BLAS in floats while no sum can reach 2^53, else in int64."""
        most = self.terms * math.prod(float(np.abs(x).max(initial=0)) for x in inputs)
        kind = np.float64 if most < 2**53 else np.int64
        a, b = (x.astype(kind) for x in inputs)
        return multiplied(a, b, transposed=bool(self.transposed)).astype(np.int64)

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The same: sums of products of integers, exact in float64."""
        a, b = (x.movedim(-1, 1) if x.dim() == 4 else x for x in inputs)
        found = a @ (b.transpose(-2, -1) if self.transposed else b)
        return found.movedim(1, -1) if found.dim() == 4 else found

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """A multiply-accumulate a term."""
        return {"mac": self.terms * math.prod(self.shape(*shapes))}


def multiplied(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], *, transposed: bool = False) -> np.ndarray[Any, Any]:
    """``a @ b``, or ``a @ b.T``, of any kind of number.

    Args:
        a: (batch, rows, terms) or (batch, rows, terms, matrices).
        b: (batch, terms, columns), likewise.
        transposed: b is (batch, columns, terms).
    """
    first, second = channels_first(a), channels_first(b)
    return channels_last(first @ (second.swapaxes(-2, -1) if transposed else second))
