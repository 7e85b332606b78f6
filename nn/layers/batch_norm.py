"""Batch norm with its running statistics, as it is after training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor


@dataclass(frozen=True, eq=False)
class BatchNorm(Layer):
    """``x * gain + offset`` a channel, with gain = weight / sqrt(variance + eps), offset = bias - mean * gain.

    Ioffe and Szegedy, "Batch Normalization", ICML 2015, algorithm 2.
    """

    gain: FloatArray
    offset: FloatArray

    torch_names: ClassVar[tuple[str, ...]] = ("batch_norm",)

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's batch_norm; ConfigError where it keeps no running statistics."""
        mean, variance = call["running_mean"], call["running_var"]
        if mean is None:
            raise ConfigError("a batch norm without running statistics (track_running_stats=False) can't be folded")
        weight, bias = (
            np.full_like(mean, default) if call[name] is None else call[name]
            for name, default in (("weight", 1.0), ("bias", 0.0))
        )
        gain = weight / np.sqrt(variance + call["eps"])
        return cls(gain, bias - mean * gain)

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The normalised values."""
        normal: FloatArray = inputs[0] * self.gain + self.offset
        return normal

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:  # noqa: ARG002 - it has no integers
        """Not by itself: it has to be folded into the layer before it."""
        raise ConfigError(
            f"batch norm {name!r} does not directly follow a linear layer or a convolution that feeds it alone, so it "
            "can't be folded"
        )
