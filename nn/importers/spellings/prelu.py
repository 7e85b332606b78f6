"""PReLU with a slope for each channel."""

from __future__ import annotations

import numpy as np

from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._norm import by_channel
from nn.layers.add import Add
from nn.layers.clamp import Clamp
from nn.layers.relu import Relu

TORCH_NAMES = ("prelu",)
ONNX_NAMES = ("PRelu",)


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """``max(x, 0) + slope * min(x, 0)``; None where there is one slope.

    He et al., "Delving Deep into Rectifiers", ICCV 2015, equation 1.
    """
    view = said.views[0]
    slope = said["weight"] if said["weight"] is not None else said["slope"]
    if np.size(slope) < 2:
        return None
    above = assembly.layer(Relu, said.part("relu", {}, (view,), said.output, "above"))
    below = assembly.layer(Clamp, said.part("clamp_max", {"max": 0.0}, (view,), said.output, "below"))
    below = by_channel(assembly, said, below, slope, None)
    return assembly.layer(Add, said.part("add", {}, (above, below), said.output, ""))
