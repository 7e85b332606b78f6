"""What a layer of a float network is; one file each in nn/layers.

A layer says what it computes in floats, which torch modules or functions it stands for, and how it becomes integers.
So an operator of a user's network is added by adding one file there (and one in nn/ops if its integers are new).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import INT32, Bounds, Operator, Shape

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Tensor:
    """An integer node on its way into the graph, and what it stands for: real value = integer * scale.

    Args:
        node: the integer node's name.
        scale: of one unit; shape (1,), or (channels,) along the last axis.
        limits: the least and greatest integer whatever weights and arrays make of it, 0 among them. Those of one scale
            that fit the bits of activations are codes, fit to enter a matrix product.
        source: the float node that it stands for; set by the builder.
    """

    node: str
    scale: FloatArray
    limits: Bounds = INT32
    source: str = ""


class Builder(Protocol):
    """What turns float layers into integer nodes; see nn.quantise."""

    @property
    def activation_bits(self) -> int:
        """Of codes."""

    @property
    def rounding(self) -> str:
        """Of ties where integers are divided, as in nn.ops.requantise."""

    def add(self, name: str, operator: Operator, *inputs: Tensor) -> str:
        """Append an integer node and return its name."""

    def shape(self, tensor: Tensor) -> Shape:
        """Of an integer node's values, without the batch."""

    def bounds(self, tensor: Tensor) -> Bounds:
        """The least and greatest integer that the node can give."""

    def codes(self, tensor: Tensor) -> Tensor:
        """Rescale to integers of `activation_bits`, by the range calibrated for what the tensor stands for."""

    def clamped(self, name: str, tensor: Tensor, low: float, high: float = math.inf) -> Tensor:
        """The same, limited to low..high in the same step, by the range of float node `name`."""

    def tabulated(self, name: str, tensor: Tensor, function: Callable[[FloatArray], FloatArray]) -> Tensor:
        """Codes of a function of the tensor: a table with an entry for each code, by the range of float node `name`."""

    def common(self, name: str, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Rescale tensors to one fine scale, for adding them."""

    def rescaled(self, name: str, tensor: Tensor, scale: float, limits: tuple[int, int]) -> Tensor:
        """Rescale to integers of this scale, clamped to the limits, as node `name`."""

    def weights(self, weights: FloatArray, bias: FloatArray) -> tuple[IntArray, FloatArray]:
        """Integer weights of `weight_bits` and their scales, outputs last; such scales that the bias fits an int32.

        Args:
            weights: outputs are the last axis.
            bias: (outputs,), in units of the inputs' integers.
        """


@dataclass(frozen=True, eq=False)
class Call:
    """One operation of another framework's network, its parameters read.

    Args:
        kind: its name there, as "conv2d" (torch's aten) or "Conv" (ONNX).
        arguments: by the names of that framework's schema: numbers, strings, lists, parameters as float64 arrays in
            that framework's order of axes. What comes from other operations is not among them.
        inputs: shapes of what comes from other operations, without the batch, in that framework's order of axes
            (channels first where there are images).
        output: shape of its result, likewise.
    """

    kind: str
    arguments: Mapping[str, Any]
    inputs: tuple[Shape, ...]
    output: Shape

    def __getitem__(self, argument: str) -> Any:
        """An argument, its schema's default where the network says nothing; None where there is none."""
        return self.arguments.get(argument)

    def translated(self, kind: str, /, **names: str) -> Call:
        """The same call in another framework's words: its operator, and its arguments by the names they have here."""
        return replace(self, kind=kind, arguments={name: self[theirs] for name, theirs in names.items()})


def axis_of(dim: int, rank: int) -> int:
    """The axis of a tensor of `rank` axes, without the batch, that is axis `dim` in torch, where the batch is axis 0.

    Raises:
        ConfigError: it is the batch.
    """
    axis = dim % (rank + 1) - 1
    if axis < 0:
        raise ConfigError("the batch has to stay the first axis, and no operation goes along it")
    return (axis - 1) % 3 if rank == 3 else axis  # images: channels, height, width there


@dataclass(frozen=True, eq=False)
class Layer(ABC):
    """An operation on float tensors of shape (batch, *shape); channels are the last axis.

    Images are (height, width, channels) and tokens (tokens, features); torch and ONNX have images channels first, so a
    layer that counts axes or flattens an image does so as they would.
    """

    torch_names: ClassVar[tuple[str, ...]] = ()  # aten operators, without namespace and overload
    onnx_names: ClassVar[tuple[str, ...]] = ()
    arity: ClassVar[int | None] = 1  # tensors it takes; None for any number
    along: ClassVar[int | None] = (
        None  # trailing axes of torch's it works along, 0 for each number; None: it counts all
    )

    @classmethod
    def from_torch(cls, call: Call) -> Self:  # noqa: ARG003 - most layers have no parameters
        """The layer that a call of an aten operator in `torch_names` is; ConfigError where it is one not mapped."""
        return cls()

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """The layer that an ONNX operator in `onnx_names` is; as torch's where the arguments have the same names."""
        return cls.from_torch(call)

    @abstractmethod
    def run(self, *inputs: FloatArray) -> FloatArray:
        """Compute in floats."""

    @abstractmethod
    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Append this layer's integer nodes."""


@dataclass(frozen=True, eq=False)
class ProductLayer(Layer):
    """A layer that multiplies by a matrix of weights, and that batch norms are folded into.

    Args:
        weights: outputs are the last axis.
        bias: (outputs,).
    """

    weights: FloatArray
    bias: FloatArray

    @abstractmethod
    def operator(self, weights: IntArray, bias: IntArray) -> Operator:
        """The same on integers."""

    def scaled(self, gain: FloatArray, offset: FloatArray) -> Self:
        """The layer whose results are ``run(x) * gain + offset``, both by output."""
        return replace(self, weights=self.weights * gain, bias=self.bias * gain + offset)

    def fed(self, gain: FloatArray, offset: FloatArray) -> Self | None:  # noqa: ARG002 - for those that have one
        """The layer whose results are ``run(x * gain + offset)``, both (1,) or by channel; None if there is none."""
        return None

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Codes times integer weights; the bias in units of one product."""
        x = build.codes(inputs[0])
        weights, weight_scale = build.weights(self.weights, self.bias / x.scale)
        scale = x.scale * weight_scale
        bias = np.rint(self.bias / scale).astype(np.int64)
        return Tensor(build.add(name, self.operator(weights, bias), x), scale)
