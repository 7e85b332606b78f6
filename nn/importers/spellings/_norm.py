"""Numbers less their mean, divided by their standard deviation, over any axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._along import along_last
from nn.layers.affine import Affine
from nn.layers.layer_norm import LayerNorm


def normalised(
    assembly: Assembly,
    said: Operation,
    view: View,
    axes: Sequence[int],
    epsilon: float,
    *,
    gain: Any = None,
    offset: Any = None,
) -> View:
    """The layer norm over the axes; gain and offset have one number for each of the numbers normalised together."""
    size = int(np.prod([assembly.shape(view)[axis] for axis in axes]))
    arguments = {"normalized_shape": [size], "weight": gain, "bias": offset, "eps": epsilon}
    return along_last(assembly, LayerNorm, said.part("layer_norm", arguments, (view,), said.output, ""), axes)


def by_channel(assembly: Assembly, said: Operation, view: View, gain: Any, offset: Any) -> View:
    """A factor and a constant for each channel, axis 1; either may be None."""
    wide = (-1, *(1,) * (len(said.output) - 2))
    for kind, values, idle in (("mul", gain, 1), ("add", offset, 0)):
        if values is not None and np.any(values != idle):
            part = said.part(kind, {"other": np.reshape(values, wide)}, (view,), said.output, kind)
            view = assembly.layer(Affine, part)
    return view
