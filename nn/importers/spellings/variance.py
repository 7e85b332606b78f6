"""Variances and standard deviations along axes."""

from __future__ import annotations

import math

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._along import reduced_axes
from nn.layers.affine import Affine
from nn.layers.pointwise import Pointwise
from nn.layers.subtract import Subtract

TORCH_NAMES = ("var", "std")
ONNX_NAMES = ()


def spelt(assembly: Assembly, said: Operation) -> View:
    """``mean((x - mean)^2) n / (n - correction)``, its root for a deviation."""
    (view,) = said.views
    shape = assembly.shape(view)
    axes = reduced_axes(said, len(shape))
    count, correction = math.prod(shape[axis] for axis in axes), variance_correction(said)
    if count <= correction:
        raise ConfigError(f"{said.where}: {count} numbers have no variance with a correction of {correction}")
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    along = {"dim": list(axes), "keepdim": True}
    mean = assembly.call(said.part("mean", along, (view,), kept, "mean"))
    centred = assembly.layer(Subtract, said.part("sub", {}, (view, mean), shape, "centred"))
    squares = assembly.layer(Pointwise, said.part("square", {}, (centred,), shape, "squares"))
    along["keepdim"] = len(said.output) == len(shape)
    found = assembly.call(said.part("mean", along, (squares,), said.output, "" if said.kind == "var" else "variance"))
    if correction:
        factor = {"other": count / (count - correction)}
        found = assembly.layer(Affine, said.part("mul", factor, (found,), said.output, "corrected"))
    return assembly.layer(Pointwise, said.part("sqrt", {}, (found,), said.output, "")) if said.kind == "std" else found


def variance_correction(said: Operation) -> float:
    """What is taken off the number of numbers."""
    if said["unbiased"] is not None:
        return float(said["unbiased"])
    return 1.0 if said["correction"] is None else float(said["correction"])
