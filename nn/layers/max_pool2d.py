"""Max pooling of images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.layers._sliding import Sliding, sliding
from nn.layers.conv2d import pair
from nn.ops.max_pool2d import MaxPool2d as IntegerMaxPool2d
from nn.patches import patches


@dataclass(frozen=True, eq=False)
class MaxPool2d(Layer):
    """The greatest pixel under a sliding window; see nn.ops.max_pool2d.

    Args:
        kernel: height and width.
        stride: down and across.
        padding: pixels at the top, bottom, left and right that never win.
        dilation: down and across.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]

    torch_names: ClassVar[tuple[str, ...]] = ("max_pool2d", "adaptive_max_pool2d", "amax")
    onnx_names: ClassVar[tuple[str, ...]] = ("MaxPool", "GlobalMaxPool")

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's max_pool2d, from an adaptive one with equal windows, or from amax over height and width."""
        _, *size = call.inputs[0]
        if len(size) != 2:
            raise ConfigError("max pooling is mapped for images (channels, height, width)")
        if call.kind == "max_pool2d":
            kernel, padding, dilation = (pair(call[key]) for key in ("kernel_size", "padding", "dilation"))
            stride = pair(call["stride"] or kernel)
            ends, ceil = np.repeat(padding, 2).tolist(), bool(call["ceil_mode"])
            return cls._along(kernel, Sliding.over(size, kernel, stride, ends, dilation, ceil=ceil), call)
        if call["index"]:
            raise ConfigError("the places of the greatest pixels are not mapped, only their values")
        if call.kind == "amax" and (sorted(dim % 4 for dim in call["dim"]) != [2, 3] or not call["keepdim"]):
            raise ConfigError("amax is mapped over height and width of images, dim=(2, 3) with keepdim=True")
        windows = [pixels // count for pixels, count in zip(size, call.output[1:], strict=True)]
        if any(pixels % count for pixels, count in zip(size, call.output[1:], strict=True)):
            raise ConfigError(
                f"adaptive max pooling of {tuple(size)} to {call.output[1:]} has windows of unequal sizes"
            )
        return cls(pair(windows), pair(windows), (0, 0, 0, 0), (1, 1))

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's MaxPool and GlobalMaxPool."""
        _, *size = call.inputs[0]
        if len(size) != 2:
            raise ConfigError("max pooling is mapped for images (channels, height, width)")
        if call.kind == "GlobalMaxPool":
            return cls(pair(size), pair(size), (0, 0, 0, 0), (1, 1))
        kernel = pair(call["kernel_shape"])
        return cls._along(kernel, sliding(call, kernel), call)

    @classmethod
    def _along(cls, kernel: tuple[int, int], way: Sliding, call: Call) -> Self:
        made = cls(kernel, way.stride, way.padding, way.dilation)
        channels, *size = call.inputs[0]
        made.operator.shape((*size, channels))  # refuses windows without a pixel, which have no greatest
        return made

    @property
    def operator(self) -> IntegerMaxPool2d:
        """The same on integers."""
        return IntegerMaxPool2d(*(np.array(each) for each in (self.kernel, self.stride, self.padding, self.dilation)))

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The greatest of each window."""
        found = patches(inputs[0], self.kernel, self.stride, self.padding, self.dilation, fill=-np.inf)
        greatest: FloatArray = found.max(axis=(3, 4))
        return greatest

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The same integers: a scale, whether of a tensor or of a channel, does not change which is greatest."""
        return replace(inputs[0], node=build.add(name, self.operator, *inputs))
