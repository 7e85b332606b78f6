"""Larger images whose pixels repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.sum_pixels import SumPixels


@dataclass(frozen=True, eq=False)
class Upsample(Layer):
    """Every pixel of (height, width, channels) `times` over, down and across: the nearest neighbour."""

    times: tuple[int, int]

    torch_names: ClassVar[tuple[str, ...]] = ("upsample_nearest2d",)
    onnx_names: ClassVar[tuple[str, ...]] = ("Resize",)

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's upsample_nearest2d by whole factors."""
        sizes = list(zip(call.output[1:], call.inputs[0][1:], strict=True))
        if any(after % before for after, before in sizes):
            raise ConfigError(f"{call.inputs[0][1:]} to {call.output[1:]} pixels: only whole factors are mapped")
        down, across = (after // before for after, before in sizes)
        return cls((down, across))

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's Resize where each pixel repeats."""
        way = call["coordinate_transformation_mode"], call["nearest_mode"]
        if call["mode"] != "nearest" or not (way[0] == "half_pixel" or way == ("asymmetric", "floor")):
            raise ConfigError(
                f"a Resize by {call['mode']!r}, {way[0]!r}, {way[1]!r} is not mapped; nearest, half_pixel is"
            )
        if len(call.output) != 3 or call.output[0] != call.inputs[0][0]:
            raise ConfigError("a Resize is mapped for images, along height and width")
        return cls.from_torch(call)

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The larger images."""
        return inputs[0].repeat(self.times[0], axis=1).repeat(self.times[1], axis=2)

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The same integers."""
        height, width, _ = build.shape(inputs[0])
        down, across = (
            np.eye(n, dtype=np.int64).repeat(k, axis=0) for n, k in zip((height, width), self.times, strict=True)
        )
        return replace(inputs[0], node=build.add(name, SumPixels(down, across), *inputs))
