"""Averages over pixels: average pooling, adaptive or not, and means over height and width or over tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.layers._sliding import Sliding, sliding
from nn.layers.conv2d import pair
from nn.operator import INT32
from nn.ops.flatten import Flatten
from nn.ops.sum_pixels import SumPixels, weighed

Window = tuple[int, int, int]  # its first pixel, the one after its last, and by how many their sum is divided


@dataclass(frozen=True, eq=False)
class AveragePool(Layer):
    """``down @ x @ across.T / divisor``, each channel by itself.

    Args:
        down: integers (rows of the result, height): 1 for each row of a window, or more where windows have fewer.
        across: (columns of the result, width), likewise.
        divisor: of all results.
        flat: height and width, which are 1, are dropped from the result.
    """

    down: IntArray
    across: IntArray
    divisor: int
    flat: bool = False

    torch_names: ClassVar[tuple[str, ...]] = ("avg_pool2d", "adaptive_avg_pool2d", "mean")
    onnx_names: ClassVar[tuple[str, ...]] = ("AveragePool", "GlobalAveragePool", "ReduceMean")

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's avg_pool2d, adaptive_avg_pool2d, and mean over height and width."""
        shape, flat = call.inputs[0], len(call.output) == 1
        size = shape[1:] if len(shape) == 3 else (shape[0], 1)
        if len(shape) not in (2, 3) or not (flat or len(call.output) == len(shape)):
            raise ConfigError("averages are mapped over height and width of images, and over tokens, with axes kept")
        if call.kind == "avg_pool2d":
            windows = _pooling(call, size)
        elif call.kind == "mean":
            over = {dim % (len(shape) + 1) - len(shape) + 1 for dim in call["dim"]}  # 0 is height, or tokens
            if not over <= ({0, 1} if len(shape) == 3 else {0}):
                raise ConfigError("a mean over channels or features is not mapped")
            windows = [_adaptive(length, 1 if axis in over else length) for axis, length in enumerate(size)]
        else:
            windows = [_adaptive(length, count) for length, count in zip(size, call.output[1:], strict=True)]
        (down, rows), (across, columns) = (_weights(each, n) for each, n in zip(windows, size, strict=True))
        return cls(down, across, call["divisor_override"] or rows * columns, flat)

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's AveragePool, GlobalAveragePool, and ReduceMean over height and width, or over tokens."""
        rank = len(call.inputs[0])
        if call.kind == "ReduceMean":
            axes = call["axes"] or range(rank + 1)
            return cls.from_torch(replace(call, kind="mean", arguments={"dim": [*axes]}))
        if rank != 3:
            raise ConfigError("average pooling is mapped for images (channels, height, width)")
        if call.kind == "GlobalAveragePool":
            return cls.from_torch(replace(call, kind="adaptive_avg_pool2d", arguments={}))
        kernel = pair(call["kernel_shape"])
        geometry, size = sliding(call, kernel), call.inputs[0][1:]
        if geometry.dilation != (1, 1):
            raise ConfigError("average pooling with dilation is not mapped")
        (down, rows), (across, columns) = (
            _weights(
                geometry.windows(axis, kernel[axis], size[axis], padded=bool(call["count_include_pad"])), size[axis]
            )
            for axis in (0, 1)
        )
        return cls(down, across, rows * columns)

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The averages."""
        (x,) = inputs
        found = weighed(x, self.down.astype(float), self.across.astype(float)) / self.divisor
        return found.reshape(len(found), -1) if self.flat else found

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The sums, exact; the division is a matter of their unit."""
        (x,) = inputs
        operator = SumPixels(self.down, self.across)
        low, high = operator.bounds(build.bounds(x))
        if low < INT32[0] or high > INT32[1]:
            x = build.codes(x)
        sums = Tensor(build.add(f"{name}.sums" if self.flat else name, operator, x), x.scale)
        node = build.add(name, Flatten(), sums) if self.flat else sums.node
        return replace(sums, node=node, scale=x.scale / self.divisor)


def _pooling(call: Call, size: Sequence[int]) -> list[list[Window]]:
    """Windows down and across of torch's avg_pool2d; with a divisor of its own, all sums are divided by that."""
    kernel, padding = (pair(call[key]) for key in ("kernel_size", "padding"))
    stride = pair(call["stride"] or call["kernel_size"])
    way = Sliding.over(size, kernel, stride, np.repeat(padding, 2).tolist(), ceil=bool(call["ceil_mode"]))
    padded = call["count_include_pad"] is not False
    windows = [way.windows(axis, kernel[axis], size[axis], padded=padded) for axis in (0, 1)]
    if call["divisor_override"]:
        windows = [[(first, last, 1) for first, last, _ in each] for each in windows]
    return windows


def _adaptive(size: int, count: int) -> list[Window]:
    """Windows as torch has them: they overlap where the sizes don't divide."""
    ends = [(place * size // count, -(-(place + 1) * size // count)) for place in range(count)]
    return [(start, end, end - start) for start, end in ends]


def _weights(windows: list[Window], size: int) -> tuple[IntArray, int]:
    """The matrix of an axis, and what its results are to be divided by: the least multiple of all windows' divisors."""
    divisor = math.lcm(*(count for _, _, count in windows))
    matrix = np.zeros((len(windows), size), np.int64)
    for row, (start, end, count) in zip(matrix, windows, strict=True):
        row[start:end] = divisor // count
    return matrix, divisor
