"""Adding and multiplying by constants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.operator import Shape
from nn.ops.affine import Affine as IntegerAffine

_BITS = 22  # of an input's integers, before the constant is added: its unit is far finer than a code's
_GREATEST = 2.0**28
_NONE = -1e30  # below, an added constant is a mask's minus infinity
_MASKED = -1000.0  # the exponential of that is 0 in double precision


@dataclass(frozen=True, eq=False)
class Affine(Layer):
    """``x * gain + offset``.

    Args:
        gain: shape (1,), or (channels,) along the last axis.
        offset: likewise, or that of an image.
    """

    gain: FloatArray
    offset: FloatArray

    torch_names: ClassVar[tuple[str, ...]] = ("add", "sub", "rsub", "mul", "div", "neg")
    onnx_names: ClassVar[tuple[str, ...]] = ("Add", "Sub", "Mul", "Div", "Neg")
    along: ClassVar[int | None] = 0

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From a sum, difference, product or quotient of a tensor and numbers that no image changes.

        Raises:
            ConfigError: it is none of them, or its factors differ from pixel to pixel.
        """
        first, other = call["self"], call["other"]  # whichever is constant
        held = first if other is None else other
        constant = np.zeros(1) if held is None else as_channels(held, call)
        alpha = 1.0 if call["alpha"] is None else float(call["alpha"])
        one, none = np.ones(1), np.zeros(1)
        match call.kind, first is None:
            case "add", True:
                gain, offset = one, constant * alpha
            case "add", False:
                gain, offset = one * alpha, constant
            case ("sub", True):
                gain, offset = one, -constant * alpha
            case ("sub", False) | ("rsub", _):
                gain, offset = -one * alpha, constant
            case "mul", _:
                gain, offset = constant, none
            case "div", True if call["rounding_mode"] is None:
                gain, offset = 1.0 / constant, none
            case "neg", _:
                gain, offset = -one, none
            case _:
                raise ConfigError("a number divided by a tensor, or a quotient that is rounded, is not mapped")
        offset = np.where(offset < _NONE, _MASKED, offset)
        if gain.ndim > 1:
            raise ConfigError("factors that differ from pixel to pixel are not mapped; one for each channel is")
        return cls(gain, offset)

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's Add, Sub, Mul and Div, of A and B, and its Neg."""
        return cls.from_torch(call.translated(call.kind.lower(), self="A", other="B"))

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The results."""
        found: FloatArray = inputs[0] * self.gain + self.offset
        return found

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The same integers in other units, where nothing is added or turned; else an integer factor and constant.

        A channel's factor is a power of 2 that makes its unit fine enough to add the constant in.
        """
        (x,) = inputs
        scale = x.scale * self.gain
        if not self.offset.any() and (self.gain > 0).all():
            return replace(x, scale=scale)
        bits = max(abs(end) for end in build.bounds(x)).bit_length()
        channels = self.offset.shape[-1:]
        farthest = np.abs(self.offset).reshape(-1, *channels).max(axis=0)  # of each channel
        unit = np.maximum(np.abs(scale) / 2.0 ** max(_BITS - bits, 0), farthest / _GREATEST)
        unit = np.where(unit > 0, unit, x.scale)  # where everything is 0
        factor, bias = (np.rint(each / unit).astype(np.int64) for each in (scale, self.offset))
        return Tensor(build.add(name, IntegerAffine(factor, bias), x), unit)


def as_channels(constant: Any, call: Call) -> FloatArray:
    """Numbers that meet a call's tensor, axes as bitline has them: (1,), (channels,), or the shape of an image.

    Raises:
        ConfigError: they differ from image to image, or make the tensor larger.
    """
    values = np.asarray(constant, dtype=float)
    shape: Shape = call.inputs[0]
    if values.size == 1:
        return values.reshape(1)
    values = values.reshape((1,) * (len(shape) + 1 - values.ndim) + values.shape)
    if values.ndim != len(shape) + 1 or len(values) != 1 or call.output != shape:
        raise ConfigError(f"constants of shape {np.shape(constant)} do not fit an image's {shape}, one for every image")
    values = np.moveaxis(values[0], 0, -1) if len(shape) == 3 else values[0]
    return values.reshape(-1) if values.size == values.shape[-1] else values
