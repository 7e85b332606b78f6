"""Softmax along the last axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.exponential import Exponential, exponentials
from nn.ops.share import Share

_BITS = 15  # of the fraction of exponentials and of shares
_LIMITS = (-(2**15) + 1, 2**15 - 1)


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """``exp(x) / sum(exp(x))``."""

    torch_names: ClassVar[tuple[str, ...]] = ("softmax", "_softmax")
    onnx_names: ClassVar[tuple[str, ...]] = ("Softmax",)
    along: ClassVar[int] = 1

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's softmax along the last axis."""
        return cls._along(call["dim"])

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's Softmax along the last axis."""
        return cls._along(-1 if call["axis"] is None else call["axis"])

    @classmethod
    def _along(cls, axis: int) -> Self:
        if axis != -1:
            raise ConfigError("a softmax is mapped along the last axis only; transpose the tensor before and after it")
        return cls()

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The shares."""
        return softmax(inputs[0])

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Exponentials and their shares of the sum, finer than codes, which are made of them where they are needed."""
        table = exponentials(step_of(build), 2**_BITS)
        steps = exponential_nodes(build, f"{name}.exponentials", inputs[0], table)
        shares = Share(_BITS, int(table[0]), rounding=build.rounding)
        return Tensor(build.add(name, shares, steps, steps), np.array([2.0**-_BITS]))


def softmax(x: FloatArray, axis: int = -1) -> FloatArray:
    """The softmax along an axis, free of overflows."""
    exponential = np.exp(x - x.max(axis=axis, keepdims=True))
    shares: FloatArray = exponential / exponential.sum(axis=axis, keepdims=True)
    return shares


def step_of(build: Builder) -> float:
    """Of the exponent: an exponential is off by half of it at most, as a code is by half a step of its own."""
    return 2.0 ** (1 - build.activation_bits)


def exponential_nodes(build: Builder, name: str, x: Tensor, table: IntArray, axis: int = -1) -> Tensor:
    """Append the exponentials of a tensor, by a table of steps as `step_of` has them, whatever the tensor's range."""
    steps = build.rescaled(f"{name}.steps", x, step_of(build), _LIMITS)
    node = build.add(name, Exponential(table, axis), steps)
    return Tensor(node, np.array([1 / table[0]]), (0, int(table[0])))
