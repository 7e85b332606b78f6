"""Greatest numbers along any axes: the axes become the height of an image."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._along import axes_first, reduced_axes
from nn.layers.max_pool2d import MaxPool2d

TORCH_NAMES = ("amax", "max")
ONNX_NAMES = ("ReduceMax",)


def spelt(assembly: Assembly, said: Operation) -> View:
    """A max pooling with one window.

    Raises:
        ConfigError: it goes along the batch, or the places of the greatest are asked for.
    """
    if len(said.views) != 1:
        raise ConfigError(f"{said.where}: the greater of two tensors is not mapped")
    if said["index"]:
        raise ConfigError(f"{said.where}: the places of the greatest numbers are not mapped, only their values")
    (view,) = said.views
    tokens, count, size = axes_first(assembly, said, view, reduced_axes(said, len(assembly.shape(view))))
    image = assembly.moved(
        view, assembly.places(tokens).swapaxes(1, 2).reshape(assembly.batch, size, count, 1), f"{said.name}.moved"
    )
    pooled = said.part("amax", {"dim": [2, 3], "keepdim": True}, (image,), (assembly.batch, size, 1, 1), "")
    result = assembly.layer(MaxPool2d, pooled)
    return assembly.moved(result, assembly.places(result).reshape(said.output), f"{said.name}.moved")
