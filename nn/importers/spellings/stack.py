"""Tensors along a new axis."""

from __future__ import annotations

import numpy as np

from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layers.concat import Concat

TORCH_NAMES = ("stack",)
ONNX_NAMES = ()


def spelt(assembly: Assembly, said: Operation) -> View:
    """Each with an axis of length 1, joined along it."""
    axis = int(said["dim"] or 0) % len(said.output)
    places = [np.expand_dims(assembly.places(view), axis) for view in said.views]
    views = [assembly.moved(view, each, f"{said.name}.moved") for view, each in zip(said.views, places, strict=True)]
    return assembly.layer(Concat, said.part("cat", {"dim": axis}, views, said.output, ""))
