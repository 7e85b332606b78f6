"""The greatest of the pixels under a sliding window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import INT32, Bounds, Operator, Shape
from nn.patches import output_size, patches

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class MaxPool2d(Operator):
    """Of images (height, width, channels), each channel by itself; what the window has outside the image never wins.

    Args:
        kernel: (2,), height and width.
        stride: (2,), down and across.
        padding: (4,), pixels at the top, bottom, left and right.
        dilation: (2,).
    """

    kernel: IntArray
    stride: IntArray
    padding: IntArray
    dilation: IntArray

    def __post_init__(self) -> None:
        super().__post_init__()
        shapes = tuple(each.shape for each in (self.kernel, self.stride, self.padding, self.dilation))
        if shapes != ((2,), (2,), (4,), (2,)):
            raise ConfigError(
                f"max_pool2d: kernel, stride, padding and dilation {shapes} must be (2,), (2,), (4,), (2,)"
            )
        if min(self.kernel.min(), self.stride.min(), self.dilation.min()) < 1 or self.padding.min() < 0:
            raise ConfigError("max_pool2d: kernel, stride and dilation must be 1 or more, padding 0 or more")

    def shape(self, *shapes: Shape) -> Shape:
        """Height and width of the result, and the channels; ConfigError where a window misses the image."""
        if len(shapes[0]) != 3:
            raise ConfigError(f"max_pool2d: its input has shape {shapes[0]}; (height, width, channels) is needed")
        sizes = []
        for axis in (0, 1):
            before, after = (int(pixels) for pixels in self.padding[2 * axis : 2 * axis + 2])
            kernel, stride, dilation = (int(each[axis]) for each in (self.kernel, self.stride, self.dilation))
            size = shapes[0][axis]
            count = output_size(size, kernel, stride, before + after, dilation)
            seen = np.arange(count)[:, None] * stride + np.arange(kernel) * dilation - before
            if not ((seen >= 0) & (seen < size)).any(axis=1).all():
                raise ConfigError(f"max_pool2d: with a padding of {before} and {after} a window misses the image")
            sizes.append(count)
        return (*sizes, shapes[0][2])

    def bounds(self, *bounds: Bounds) -> Bounds:
        """Unchanged: each window has a pixel of the image."""
        return bounds[0]

    def run(self, *inputs: IntArray) -> IntArray:
        """The greatest of each window."""
        kernel, stride, padding, dilation = (
            tuple(int(v) for v in each) for each in (self.kernel, self.stride, self.padding, self.dilation)
        )
        found: IntArray = patches(inputs[0], kernel, stride, padding, dilation, fill=INT32[0]).max(axis=(3, 4))  # type: ignore[arg-type]
        return found

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """By torch's, which has channels first."""
        from torch.nn.functional import max_pool2d, pad

        top, bottom, left, right = (int(pixels) for pixels in self.padding)
        padded = pad(inputs[0].permute(0, 3, 1, 2), (left, right, top, bottom), value=float("-inf"))
        kernel, stride, dilation = (each.tolist() for each in (self.kernel, self.stride, self.dilation))
        return max_pool2d(padded, kernel, stride, dilation=dilation).permute(0, 2, 3, 1)
