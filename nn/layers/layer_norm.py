"""Layer norm along the last axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.layer_norm import DEVIATION_BITS, NORMAL_BITS
from nn.ops.layer_norm import LayerNorm as IntegerLayerNorm

_GAIN_BITS = 13  # with those of a normalised number, far below int32's overflow
_OFFSETS = 64  # how many times as large as the gain an offset may be without costing the gain bits


@dataclass(frozen=True, eq=False)
class LayerNorm(Layer):
    """``(x - mean) / sqrt(variance + epsilon) * gain + offset``, over the features of each vector.

    Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450, 2016.

    Args:
        gain: (features,).
        offset: (features,).
        epsilon: in units of x squared.
    """

    gain: FloatArray
    offset: FloatArray
    epsilon: float

    torch_names: ClassVar[tuple[str, ...]] = ("layer_norm", "native_layer_norm")
    onnx_names: ClassVar[tuple[str, ...]] = ("LayerNormalization",)
    along: ClassVar[int] = 1

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's layer_norm over the last axis."""
        if len(call["normalized_shape"]) != 1:
            raise ConfigError(f"a layer norm over {call['normalized_shape']} is not mapped; over the last axis it is")
        return cls._of(call, call["weight"], call["bias"], call["eps"])

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's LayerNormalization over the last axis."""
        if call["axis"] not in (None, -1):
            raise ConfigError("a LayerNormalization is mapped over the last axis only")
        epsilon = 1e-5 if call["epsilon"] is None else call["epsilon"]
        return cls._of(call, call["Scale"], call["B"], epsilon)

    @classmethod
    def _of(cls, call: Call, gain: Any, offset: Any, epsilon: float) -> Self:
        features = call.inputs[0][-1]
        gain = np.ones(features) if gain is None else gain
        offset = np.zeros(features) if offset is None else offset
        return cls(gain, offset, float(epsilon))

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The normalised values."""
        centred = inputs[0] - inputs[0].mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1, keepdims=True)
        normal: FloatArray = centred / np.sqrt(variance + self.epsilon) * self.gain + self.offset
        return normal

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """From a fine scale, whose value matters to epsilon alone."""
        (x,) = build.common(name, inputs)
        most = max(float(np.abs(self.gain).max()), float(np.abs(self.offset).max()) / _OFFSETS, 1e-30)
        unit = most / (2 ** (_GAIN_BITS - 1) - 1)
        scale = unit / 2**NORMAL_BITS
        gain, offset = (np.rint(v / s).astype(np.int64) for v, s in ((self.gain, unit), (self.offset, scale)))
        epsilon = round(self.epsilon / float(x.scale[0]) ** 2 * 4**DEVIATION_BITS)
        operator = IntegerLayerNorm(gain, offset, min(epsilon, 2**60 - 1), build.rounding)
        return Tensor(build.add(name, operator, x), np.array([scale]))
