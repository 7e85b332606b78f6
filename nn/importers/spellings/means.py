"""Means and sums along any axes: the axes become one, that of tokens."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._along import axes_first, reduced_axes
from nn.layers.affine import Affine
from nn.layers.average_pool import AveragePool

TORCH_NAMES = ("mean", "sum", "adaptive_avg_pool1d")
ONNX_NAMES = ("ReduceMean", "ReduceSum", "GlobalAveragePool")


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """The mean of tokens, times their number for a sum; None where average pooling does it as it is.

    Raises:
        ConfigError: it goes along the batch, or pools to more than one number.
    """
    (view,) = said.views
    shape = assembly.shape(view)
    axes = mean_axes(said, len(shape))
    if said.kind == "adaptive_avg_pool1d" and said.output[-1] != 1:
        raise ConfigError(f"{said.where}: adaptive pooling of sequences is mapped to one number only")
    total = said.kind in ("sum", "ReduceSum")
    kept = len(said.output) == len(shape)
    pooled = set(axes) <= {2, 3} and (kept or len(axes) == 2) if len(shape) == 4 else len(shape) == 3 and axes == (1,)
    if pooled and not total:
        return None
    tokens, count, size = axes_first(assembly, said, view, axes)
    flat = (assembly.batch, size)
    result = assembly.layer(AveragePool, said.part("mean", {"dim": [1]}, (tokens,), flat, "mean" if total else ""))
    if total:
        result = assembly.layer(Affine, said.part("mul", {"other": float(count)}, (result,), flat, ""))
    return assembly.moved(result, assembly.places(result).reshape(said.output), f"{said.name}.moved")


def mean_axes(said: Operation, rank: int) -> tuple[int, ...]:
    """The axes, from the batch, 0, that a mean or a sum goes along; sorted."""
    if said.kind in ("GlobalAveragePool", "adaptive_avg_pool1d"):
        return tuple(range(2, rank))
    return reduced_axes(said, rank)
