"""What an operator of the integer graph is; one file each in nn/ops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError

if TYPE_CHECKING:
    import torch

INT32 = (-(2**31), 2**31 - 1)
Shape = tuple[int, ...]
Bounds = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Operator(ABC):
    """An operation on integer tensors of shape (batch, *shape); channels are the last axis.

    Its fields are integer arrays, integers and strings, so that any operator can be written to a file. Results are
    int32 values, carried in int64 so that an overflow is seen and not wrapped.
    """

    arity: ClassVar[int | None] = 1  # tensors it takes; None for any number

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                frozen = np.array(value, dtype=np.int64)
                if not np.array_equal(frozen, value):
                    raise ConfigError(f"{type(self).__name__}: {entry.name} holds values that are not integers")
                frozen.setflags(write=False)
                object.__setattr__(self, entry.name, frozen)

    @abstractmethod
    def shape(self, *shapes: Shape) -> Shape:
        """The result's shape without the batch; ConfigError where the inputs' shapes don't fit."""

    @abstractmethod
    def bounds(self, *bounds: Bounds) -> Bounds:
        """The least and greatest value the result can take, for inputs within these bounds."""

    @abstractmethod
    def run(self, *inputs: IntArray) -> IntArray:
        """Compute the result exactly."""

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - for those that have one
        """What `run` gives for the same integers, bit for bit, with gradients for training (nn.straight_through).

        Args:
            inputs: float64 tensors that hold integers, as the result does.

        Raises:
            ConfigError: the operator has no gradient.
        """
        raise ConfigError(f"{type(self).__name__.lower()}: the operator has no gradient, its network can't be tuned")

    def operations(self, *shapes: Shape) -> Mapping[str, int]:  # noqa: ARG002 - most operators only move or compare
        """Integer operations for one image: "mac", "add", "multiply"."""
        return {}


def checked(values: IntArray, what: str) -> IntArray:
    """The values, if they all fit an int32.

    Raises:
        ConfigError: one does not.
    """
    if values.size and (values.min() < INT32[0] or values.max() > INT32[1]):
        raise ConfigError(f"{what}: a result overflows int32; quantise to fewer bits or split the layer")
    return values


def common_shape(what: str, shapes: tuple[Shape, ...]) -> Shape:
    """The shape that all have, or grow to where an axis has length 1; ConfigError where they differ otherwise."""
    said = " and ".join(map(str, shapes))
    if len({len(shape) for shape in shapes}) != 1:
        raise ConfigError(f"{what}: its inputs have shapes {said}, which must have equally many axes")
    try:
        return tuple(int(size) for size in np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise ConfigError(f"{what}: its inputs have shapes {said}, which must be equal or 1 on every axis") from error


def channels_first(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A view of images (batch, height, width, channels) as other frameworks have them; of anything else, itself."""
    return np.moveaxis(x, -1, 1) if x.ndim == 4 else x


def channels_last(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A view of (batch, channels, height, width) as bitline has images; of anything else, itself."""
    return np.moveaxis(x, 1, -1) if x.ndim == 4 else x
