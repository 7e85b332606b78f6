"""Zeros around an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.sum_pixels import SumPixels


@dataclass(frozen=True, eq=False)
class Pad(Layer):
    """Of images (height, width, channels); `padding` are pixels at the top, bottom, left and right, cut off below 0."""

    padding: tuple[int, int, int, int]

    torch_names: ClassVar[tuple[str, ...]] = ("pad", "constant_pad_nd", "zero_pad2d")
    onnx_names: ClassVar[tuple[str, ...]] = ("Pad",)

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's pad with zeros, of height and width; its list begins with the last axis."""
        mode, value = call["mode"] or "constant", call["value"] or 0
        amounts = [*(call["pad"] or call["padding"]), 0, 0, 0, 0][: 2 * len(call.output)]
        if mode != "constant" or value != 0 or len(call.output) != 3 or any(amounts[4:]):
            raise ConfigError("padding is mapped for images, along height and width, with zeros")
        left, right, top, bottom = (int(pixels) for pixels in amounts[:4])
        return cls((top, bottom, left, right))

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's Pad, whose list has the beginnings of all axes, then their ends."""
        rank, pads = len(call.output) + 1, call["pads"] or []
        axes = [axis % rank for axis in call["axes"] or range(rank)]
        amounts = [0] * (2 * rank)  # as torch has them: the last axis first
        for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
            amounts[2 * (rank - 1 - axis) : 2 * (rank - axis)] = before, after
        value = call["constant_value"] if call["constant_value"] is not None else call["value"]
        return cls.from_torch(
            replace(call, kind="pad", arguments={"pad": amounts, "mode": call["mode"], "value": value})
        )

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The padded images."""
        (x,) = inputs
        top, bottom, left, right = self.padding
        x = x[:, max(-top, 0) : x.shape[1] - max(-bottom, 0), max(-left, 0) : x.shape[2] - max(-right, 0)]
        return np.pad(x, ((0, 0), (max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)))

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Zeros are integer zeros at any scale."""
        height, width, _ = build.shape(inputs[0])
        top, bottom, left, right = self.padding
        operator = SumPixels(_shifted(height, top, bottom), _shifted(width, left, right))
        return replace(inputs[0], node=build.add(name, operator, *inputs))


def _shifted(size: int, before: int, after: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Each pixel in its new place; (new size, size)."""
    return np.eye(before + size + after, size, -before, dtype=np.int64)
