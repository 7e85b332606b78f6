"""What a layer of a float network is; one file each in nn/layers.

A layer says what it computes in floats, which torch modules or functions it stands for, and how it becomes integers.
So an operator of a user's network is added by adding one file there (and one in nn/ops if its integers are new).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from nn.operator import Operator

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Tensor:
    """An integer node on its way into the graph, and what it stands for: real value = integer * scale.

    Args:
        node: the integer node's name.
        scale: of one unit; shape (1,), or (channels,) along the last axis.
        codes: integers of `activation_bits`, fit to enter a matrix product.
        unsigned: they are never negative.
        source: the float node that it stands for; set by the builder.
    """

    node: str
    scale: FloatArray
    codes: bool = False
    unsigned: bool = False
    source: str = ""


class Builder(Protocol):
    """What turns float layers into integer nodes; see nn.quantise."""

    def add(self, name: str, operator: Operator, *inputs: Tensor) -> str:
        """Append an integer node and return its name."""

    def codes(self, tensor: Tensor) -> Tensor:
        """Rescale to integers of `activation_bits`, by the range calibrated for what the tensor stands for."""

    def rectified(self, name: str, tensor: Tensor) -> Tensor:
        """The same, unsigned, by the range of float node `name`: negative values clamp to 0."""

    def common(self, name: str, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Rescale tensors to one fine scale, for adding them."""

    def weights(self, weights: FloatArray) -> tuple[Any, FloatArray]:
        """Integer weights of `weight_bits` and their scales; outputs are the last axis."""


@dataclass(frozen=True, eq=False)
class Layer(ABC):
    """An operation on float tensors of shape (batch, *shape); channels are the last axis."""

    torch_names: ClassVar[tuple[str, ...]] = ()
    torch_arguments: ClassVar[tuple[str, ...]] = ()  # a function's positional arguments after its tensors
    arity: ClassVar[int] = 1

    @classmethod
    def from_torch(cls, module: Any) -> Self:  # noqa: ARG003 - most layers have no parameters
        """The layer that a torch module of a name in `torch_names` is; of a function, its arguments are attributes."""
        return cls()

    @abstractmethod
    def run(self, *inputs: FloatArray) -> FloatArray:
        """Compute in floats."""

    @abstractmethod
    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Append this layer's integer nodes."""
