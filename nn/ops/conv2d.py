"""Convolution with int32 accumulators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Shape
from nn.patches import output_size, patches
from nn.product import Product

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Conv2d(Product):
    """Cross-correlation of (height, width, channels), as torch.nn.Conv2d; the padding is 0.

    Args:
        weights: (kernel height, kernel width, input channels / groups, output channels).
        bias: (output channels,), in units of one product.
        stride: (2,), down and across.
        padding: (4,), pixels at the top, bottom, left and right.
        dilation: (2,).
        groups: output channels of group k see the input channels of group k alone; as many groups as channels is a
            depthwise convolution.
    """

    stride: IntArray
    padding: IntArray
    dilation: IntArray
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        shapes = self.stride.shape, self.padding.shape, self.dilation.shape
        if self.weights.ndim != 4 or self.bias.shape != self.weights.shape[3:] or shapes != ((2,), (4,), (2,)):
            raise ConfigError(
                f"conv2d: weights {self.weights.shape}, bias {self.bias.shape}, stride, padding and dilation {shapes} "
                "must be (kernel height, kernel width, inputs / groups, outputs), (outputs,), (2,), (4,) and (2,)"
            )
        if self.groups < 1 or self.weights.shape[3] % self.groups:
            raise ConfigError(f"conv2d: {self.weights.shape[3]} output channels don't divide into {self.groups} groups")
        if self.stride.min() < 1 or self.dilation.min() < 1 or self.padding.min() < 0:
            raise ConfigError("conv2d: stride and dilation must be 1 or more, padding 0 or more")

    @property
    def matrices(self) -> IntArray:
        """A block a group; its rows run over the kernel's pixels, channels fastest."""
        height, width, inputs, outputs = self.weights.shape
        blocks = self.weights.reshape(height * width * inputs, self.groups, outputs // self.groups)
        return blocks.transpose(1, 0, 2)

    def with_matrices(self, matrices: IntArray, bias: IntArray) -> Conv2d:
        """From a block a group."""
        return replace(self, weights=matrices.transpose(1, 0, 2).reshape(self.weights.shape), bias=bias)

    def vectors(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """A patch at every position of the kernel."""
        kernel, stride, padding, dilation = self._geometry
        found = patches(x, kernel, stride, padding, dilation)  # (batch, y, x, kernel height, kernel width, channels)
        positions = len(x) * found.shape[1] * found.shape[2]
        pixels, inputs = kernel[0] * kernel[1], self.weights.shape[2]
        if self.groups == 1:
            return found.reshape(positions, pixels * inputs)
        by_group = found.reshape(positions, pixels, self.groups, inputs).transpose(0, 2, 1, 3)
        return by_group.reshape(positions, self.groups * pixels * inputs)

    def torch_multiply(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """By torch's convolution, which has channels first."""
        from torch.nn.functional import conv2d, pad

        _, stride, (top, bottom, left, right), dilation = self._geometry
        padded = pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
        kernels = weights.permute(3, 2, 0, 1)
        found = conv2d(padded, kernels, stride=stride, dilation=dilation, groups=self.groups)
        return found.permute(0, 2, 3, 1)

    def vector_shape(self, shape: Shape) -> Shape:
        """Height and width of the result."""
        channels = self.weights.shape[2] * self.groups
        if len(shape) != 3 or shape[2] != channels:
            raise ConfigError(f"conv2d: its input has shape {shape}, its weights take (height, width, {channels})")
        kernel, stride, (top, bottom, left, right), dilation = self._geometry
        return (
            output_size(shape[0], kernel[0], stride[0], top + bottom, dilation[0]),
            output_size(shape[1], kernel[1], stride[1], left + right, dilation[1]),
        )

    @property
    def pads(self) -> bool:
        """Where there is padding."""
        return bool(self.padding.any())

    @property
    def _geometry(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int], tuple[int, int]]:
        stride, padding, dilation = (tuple(int(v) for v in each) for each in (self.stride, self.padding, self.dilation))
        return self.weights.shape[:2], stride, padding, dilation  # type: ignore[return-value]
