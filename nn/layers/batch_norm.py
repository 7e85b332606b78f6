"""Batch norm with its running statistics, as it is after training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from bitline.core.errors import ConfigError
from nn.layer import Call
from nn.layers.affine import Affine


@dataclass(frozen=True, eq=False)
class BatchNorm(Affine):
    """``x * gain + offset`` a channel, with gain = weight / sqrt(variance + eps), offset = bias - mean * gain.

    Ioffe and Szegedy, "Batch Normalization", ICML 2015, algorithm 2.
    """

    torch_names: ClassVar[tuple[str, ...]] = ("batch_norm",)
    onnx_names: ClassVar[tuple[str, ...]] = ("BatchNormalization",)
    along: ClassVar[int | None] = None

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's batch_norm; ConfigError where it keeps no running statistics."""
        mean, variance = call["running_mean"], call["running_var"]
        if mean is None:
            raise ConfigError("a batch norm without running statistics (track_running_stats=False) can't be folded")
        if len(call.inputs[0]) == 2:
            raise ConfigError("a batch norm of sequences (batch, channels, length) is not mapped; those of images are")
        weight, bias = (
            np.full_like(mean, default) if call[name] is None else call[name]
            for name, default in (("weight", 1.0), ("bias", 0.0))
        )
        gain = weight / np.sqrt(variance + call["eps"])
        return cls(gain, bias - mean * gain)

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From ONNX's BatchNormalization."""
        if call["training_mode"]:
            raise ConfigError("a BatchNormalization in training mode is not mapped; export the network for inference")
        names = {
            "weight": "scale",
            "bias": "B",
            "running_mean": "input_mean",
            "running_var": "input_var",
            "eps": "epsilon",
        }
        return cls.from_torch(call.translated("batch_norm", **names))
