"""Logarithm of a softmax at the end of a network: it takes one number off all logits of an image, which is left out."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View

TORCH_NAMES = ("log_softmax", "_log_softmax")
ONNX_NAMES = ("LogSoftmax",)


def spelt(assembly: Assembly, said: Operation) -> View:
    """The logits themselves.

    Raises:
        ConfigError: it is not of logits (batch, classes).
    """
    axis = next((said[key] for key in ("dim", "axis") if said[key] is not None), -1)
    if len(said.output) != 2 or axis not in (1, -1):
        raise ConfigError(f"{said.where} is mapped for logits (batch, classes) only, along the classes")
    return assembly.ending(said.views[0], said.where)
