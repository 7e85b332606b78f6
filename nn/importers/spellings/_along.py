"""Axes that become one, the last or the first, for a layer that works along it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layer import Layer


def along_last(assembly: Assembly, layer: type[Layer], said: Operation, axes: Sequence[int]) -> View:
    """The result of a layer along the last axis, of one that works along several, or another; of its input's shape.

    Args:
        assembly: that the layer becomes part of.
        layer: along the last axis.
        said: the call, in torch's words.
        axes: of the framework's, counted from the batch, 0.
    """
    (view,) = said.views
    places = assembly.places(view)
    order = [*(axis for axis in range(places.ndim) if axis not in axes), *axes]
    moved = places.transpose(order)
    flat = moved.reshape(*moved.shape[: places.ndim - len(axes)], -1)
    if flat.shape != places.shape or not np.array_equal(flat, places):
        view = assembly.moved(view, flat, f"{said.name}.moved")
    result = assembly.layer(layer, replace(said, views=(view,), output=flat.shape))
    back = assembly.places(result).reshape(moved.shape).transpose(np.argsort(order))
    return assembly.moved(result, back, f"{said.name}.back")


def axes_first(assembly: Assembly, said: Operation, view: View, axes: Sequence[int]) -> tuple[View, int, int]:
    """Tokens (batch, numbers along the axes, all others), and both numbers.

    Raises:
        ConfigError: the batch is among the axes.
    """
    if 0 in axes:
        raise ConfigError(f"{said.where} goes along the batch")
    places = assembly.places(view)
    rest = [axis for axis in range(1, places.ndim) if axis not in axes]
    moved = places.transpose(0, *axes, *rest)
    count = math.prod(places.shape[axis] for axis in axes)
    tokens = moved.reshape(len(places), count, -1)
    return assembly.moved(view, tokens, f"{said.name}.moved"), count, tokens.shape[2]


def reduced_axes(said: Operation, rank: int) -> tuple[int, ...]:
    """The axes, from the batch, 0, that a mean, a sum or a maximum goes along; sorted."""
    given = said["dim"] if said["dim"] is not None else said["axes"]
    axes = [given] if isinstance(given, int) else list(given if given is not None and len(given) else range(rank))
    return tuple(sorted(int(axis) % rank for axis in axes))
