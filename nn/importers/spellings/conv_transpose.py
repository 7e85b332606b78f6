"""Transposed convolution: a convolution with a channel for each place between two pixels, which it then moves there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layers.conv2d import Conv2d, pair
from nn.layers.pad import Pad

TORCH_NAMES = ("conv_transpose2d",)
ONNX_NAMES = ("ConvTranspose",)
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class _Phases:
    """Along one axis: number ``stride q + r`` of the result is ``sum over t of x[q - t] w[stride t + r + padding]``.

    Args:
        stride: of the transposed convolution.
        padding: taken off the beginning of its result.
        kernel: length of w.
    """

    stride: int
    padding: int
    kernel: int

    @property
    def taps(self) -> tuple[int, int]:
        """Least and greatest t of all r."""
        low = -((self.padding + self.stride - 1) // self.stride)
        return min(low, 0), max((self.kernel - 1 - self.padding) // self.stride, 0)

    def places(self) -> Sequence[tuple[int, int, int]]:
        """Place in the kernel of the convolution, r, and place in w."""
        low, high = self.taps
        offsets = [(t, r) for t in range(low, high + 1) for r in range(self.stride)]
        found = [(high - t, r, self.stride * t + r + self.padding) for t, r in offsets]
        return [each for each in found if 0 <= each[2] < self.kernel]


def spelt(assembly: Assembly, said: Operation) -> View:
    """One convolution of stride 1 and a rearrangement, as in Shi et al., arXiv:1609.07009, 2016.

    Raises:
        ConfigError: it has dilation, its weights are not constant, or its tensor is no image.
    """
    (view,) = said.views
    weight, bias, stride, padding, groups = _geometry(said)
    if weight is None or weight.ndim != 4 or len(said.output) != 4:
        raise ConfigError(f"{said.where} is mapped for images with constant weights")
    down, across = (_Phases(s, p, k) for s, p, k in zip(stride, padding, weight.shape[2:], strict=True))
    kernel = _phased(weight, down, across, groups)
    outputs, phases = weight.shape[1] * groups, stride[0] * stride[1]
    size = [-(-length // s) for length, s in zip(said.output[2:], stride, strict=True)]  # of a phase's result
    height, width = assembly.shape(view)[2:]
    lasts = [  # pixels that the last result needs beyond the last there is
        max(count - 1 - phase.taps[0] - (length - 1), 0)
        for count, phase, length in zip(size, (down, across), (height, width), strict=True)
    ]
    before = [phase.taps[1] for phase in (down, across)]
    arguments: dict[str, Any] = {
        "weight": kernel,
        "bias": None if bias is None else np.repeat(bias, phases),
        "groups": groups,
    }
    arguments |= {"stride": [1, 1], "padding": before, "dilation": [1, 1]}
    if before != lasts:
        sizes = height + before[0] + lasts[0], width + before[1] + lasts[1]
        padded = (*said.output[:1], *assembly.shape(view)[1:2], *sizes)
        pads = {"pad": [before[1], lasts[1], before[0], lasts[0]]}
        view = assembly.layer(Pad, said.part("pad", pads, (view,), padded, "pad"))
        arguments["padding"] = [0, 0]
    counts = [
        length + first + last - k + 1
        for length, first, last, k in zip((height, width), before, lasts, kernel.shape[2:], strict=True)
    ]
    shape = (said.output[0], outputs * phases, *counts)
    found = assembly.layer(Conv2d, said.part("conv2d", arguments, (view,), shape, "phases"))
    places = assembly.places(found).reshape(len(assembly.places(found)), outputs, *stride, *counts)
    mixed = places.transpose(0, 1, 4, 2, 5, 3).reshape(said.output[0], outputs, counts[0] * stride[0], -1)
    return assembly.moved(found, mixed[:, :, : said.output[2], : said.output[3]], said.name)


def _phased(weight: Array, down: _Phases, across: _Phases, groups: int) -> Array:
    """Weights (outputs * phases, inputs / groups, height, width) of the convolution, from the transposed one's."""
    inputs, outputs = weight.shape[0] // groups, weight.shape[1]
    parted = weight.reshape(groups, inputs, outputs, *weight.shape[2:])
    high, wide = (phase.taps[1] - phase.taps[0] + 1 for phase in (down, across))
    found = np.zeros((groups, outputs, down.stride, across.stride, inputs, high, wide))
    for row, above, source in down.places():
        for column, left, other in across.places():
            found[:, :, above, left, :, row, column] = parted[:, :, :, source, other].swapaxes(1, 2)
    return found.reshape(-1, inputs, high, wide)


def _geometry(said: Operation) -> tuple[Any, Any, tuple[int, int], tuple[int, int], int]:
    """Weight, bias, stride, padding at the beginning, and groups."""
    onnx = said.kind == "ConvTranspose"
    if onnx and said["auto_pad"] not in (None, "NOTSET"):
        raise ConfigError(f"{said.where}: auto_pad = {said['auto_pad']!r} is not mapped; give pads")
    dilation = said["dilations" if onnx else "dilation"]
    if dilation is not None and pair(dilation) != (1, 1):
        raise ConfigError(f"{said.where}: a transposed convolution with dilation is not mapped")
    if not onnx:
        return said["weight"], said["bias"], pair(said["stride"]), pair(said["padding"]), int(said["groups"])
    if said["output_shape"] is not None:
        raise ConfigError(f"{said.where}: output_shape is not mapped; give pads")
    pads = [int(each) for each in said["pads"] or [0, 0, 0, 0]]
    return said["W"], said["B"], pair(said["strides"] or 1), (pads[0], pads[1]), int(said["group"] or 1)
