"""Local response normalisation, of AlexNet and GoogLeNet: by the mean square of the channels beside each one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layer import Layer
from nn.layers.affine import Affine
from nn.layers.average_pool import AveragePool
from nn.layers.multiply import Multiply
from nn.layers.pointwise import Pointwise

TORCH_NAMES = ("avg_pool3d",)
ONNX_NAMES = ("LRN", "AveragePool")


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """ONNX's operator as a whole, or the average over channels that torch makes it of; None for images' averages.

    ``x / (bias + alpha mean(x^2))^beta``: Krizhevsky, Sutskever and Hinton, NIPS 2012, section 3.3.

    Raises:
        ConfigError: an average over anything but channels, or a window of even size.
    """
    if said.kind == "LRN":
        return _normalised(assembly, said)
    if len(said.output) != 5:
        return None
    size, *others = said["kernel_size"] or said["kernel_shape"]
    stride = said["stride"] or said["strides"] or [1]
    padding = said["padding"] or said["pads"] or [0]
    if [*others, *stride] != [1] * (2 + len(stride)) or any(padding) or said.output[1] != 1:
        raise ConfigError(f"{said.where} is mapped over neighbouring channels only, (size, 1, 1), with stride 1")
    return _neighbours(assembly, said, said.views[0], size, 0)


def _neighbours(assembly: Assembly, said: Operation, view: View, size: int, padding: int) -> View:
    """The means of as many channels, beside one another, zeros beyond the first and the last; as `said` has them."""
    batch, height, width = said.output[0], *said.output[-2:]
    flat = assembly.places(view).reshape(batch, 1, -1, height * width)
    arguments = {"kernel_size": [size, 1], "stride": [1, 1], "padding": [padding, 0]}
    output = (batch, 1, said.output[-3], height * width)
    moved = assembly.moved(view, flat, f"{said.name}.moved")
    means = assembly.layer(AveragePool, said.part("avg_pool2d", arguments, (moved,), output, "means"))
    return assembly.moved(means, assembly.places(means).reshape(said.output), f"{said.name}.channels")


def _normalised(assembly: Assembly, said: Operation) -> View:
    size = int(said["size"])
    if size % 2 == 0 or len(said.output) != 4:
        raise ConfigError(f"{said.where} is mapped for images, over an odd number of channels")

    def step(layer: type[Layer], kind: str, arguments: Mapping[str, Any], *views: View) -> View:
        return assembly.layer(layer, said.part(kind, arguments, views, said.output, kind))

    (x,) = said.views
    squares = _neighbours(assembly, said, step(Pointwise, "square", {}, x), size, size // 2)
    scaled = step(Affine, "mul", {"other": said["alpha"]}, squares)
    power = step(Pointwise, "pow", {"exponent": -said["beta"]}, step(Affine, "add", {"other": said["bias"]}, scaled))
    return assembly.layer(Multiply, said.part("mul", {}, (x, power), said.output, ""))
