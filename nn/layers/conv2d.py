"""Convolution of images."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.layer import Call, FloatArray, ProductLayer
from nn.layers._sliding import sliding
from nn.ops.conv2d import Conv2d as IntegerConv2d


@dataclass(frozen=True, eq=False)
class Conv2d(ProductLayer):
    """Cross-correlation of (height, width, channels), grouped, strided, dilated, padded with 0; see nn.ops.conv2d.

    Args:
        weights: (kernel height, kernel width, input channels / groups, output channels).
        bias: (output channels,).
        stride: down and across.
        padding: pixels at the top, bottom, left and right.
        dilation: down and across.
        groups: of channels.
    """

    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int

    torch_names: ClassVar[tuple[str, ...]] = ("conv2d",)
    onnx_names: ClassVar[tuple[str, ...]] = ("Conv",)

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's conv2d, whose weight is (outputs, inputs / groups, height, width)."""
        weights = call["weight"].transpose(2, 3, 1, 0).copy()
        dilation = pair(call["dilation"])
        reach = [d * (k - 1) for k, d in zip(weights.shape[:2], dilation, strict=True)]
        if call["padding"] == "same":
            before, after = [r // 2 for r in reach], [r - r // 2 for r in reach]
        elif call["padding"] == "valid":
            before = after = [0, 0]
        else:
            before = after = list(pair(call["padding"]))
        bias = np.zeros(weights.shape[3]) if call["bias"] is None else call["bias"]
        padding = (before[0], after[0], before[1], after[1])
        return cls(weights, bias, pair(call["stride"]), padding, dilation, int(call["groups"]))

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's Conv, whose W is as torch's weight."""
        if call["W"] is None or call["W"].ndim != 4:
            raise ConfigError("a convolution is mapped with constant weights (outputs, inputs / groups, height, width)")
        geometry = sliding(call, call["W"].shape[2:])
        weights = call["W"].transpose(2, 3, 1, 0).copy()
        bias = np.zeros(weights.shape[3]) if call["B"] is None else call["B"]
        return cls(weights, bias, geometry.stride, geometry.padding, geometry.dilation, int(call["group"]))

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The correlation."""
        operator = self.operator(np.zeros(self.weights.shape, np.int64), np.zeros(len(self.bias), np.int64))
        blocks = self.weights.reshape(-1, self.groups, len(self.bias) // self.groups).transpose(1, 0, 2)
        found: FloatArray = operator.multiply(inputs[0], blocks) + self.bias
        return found

    def fed(self, gain: FloatArray, offset: FloatArray) -> Conv2d | None:
        """By input channels; not where an offset would miss the padding, which stays 0."""
        if any(self.padding) and np.any(offset):
            return None
        outputs = len(self.bias)
        by_group = self.weights.shape[2], self.groups  # input channels of one group, group after group
        gains, offsets = (np.broadcast_to(each, math.prod(by_group)).reshape(by_group[::-1]) for each in (gain, offset))
        of_output = np.arange(outputs) // (outputs // self.groups)
        added = (self.weights.sum(axis=(0, 1)) * offsets[of_output].T).sum(axis=0)
        return replace(self, weights=self.weights * gains[of_output].T, bias=self.bias + added)

    def operator(self, weights: IntArray, bias: IntArray) -> IntegerConv2d:
        """The same on integers."""
        stride, padding, dilation = (np.array(each) for each in (self.stride, self.padding, self.dilation))
        return IntegerConv2d(weights, bias, stride, padding, dilation, self.groups)


def pair(value: int | list[int] | tuple[int, ...]) -> tuple[int, int]:
    """Of a setting that is given once for both axes, or for each.

    Raises:
        ConfigError: it is given for another number of axes.
    """
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if len(values) not in (1, 2):
        raise ConfigError(f"{value} is of {len(values)} axes; images have 2")
    return int(values[0]), int(values[-1])
