"""Padding that is not of images with zeros: constants beside the tensor, or pixels of its own that are repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layers.concat import Concat

TORCH_NAMES = ("pad", "constant_pad_nd")
ONNX_NAMES = ("Pad",)
_Mode = Literal["constant", "reflect", "edge", "wrap"]  # numpy's and ONNX's names
_MODES: Mapping[str, _Mode] = {
    "constant": "constant",
    "reflect": "reflect",
    "edge": "edge",
    "wrap": "wrap",
    "replicate": "edge",
    "circular": "wrap",
}


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """The tensor between constants, axis by axis, cut off below 0; None for images padded with zeros.

    Raises:
        ConfigError: it is padded with what is not finite, in an unknown way, or the batch is.
    """
    amounts = _amounts(said)
    if not any(map(any, amounts)):
        return said.views[0]
    fill = float(next((said[key] for key in ("value", "constant_value") if said[key] is not None), 0))
    mode = said["mode"] or "constant"
    if mode not in _MODES or any(amounts[-1]) or not np.isfinite(fill):
        raise ConfigError(f"{said.where}: padding by {mode!r} with {fill}, or of the batch, is not mapped")
    if mode != "constant":
        return _repeated(assembly, said, amounts, _MODES[mode])
    if len(amounts) == 4 and not any(amounts[2]) and fill == 0:
        return None
    (view,) = said.views
    for place, (before, after) in enumerate(amounts):
        axis = len(amounts) - 1 - place
        places = assembly.places(view)
        cut = slice(max(-before, 0), places.shape[axis] - max(-after, 0))
        if before < 0 or after < 0:
            view = assembly.moved(view, places[(slice(None),) * axis + (cut,)], f"{said.name}.cut")
        view = _between(assembly, said, view, axis, (max(before, 0), max(after, 0)), fill)
    return view


def _repeated(assembly: Assembly, said: Operation, amounts: Sequence[tuple[int, int]], mode: _Mode) -> View:
    """The tensor, its own numbers repeated around it."""
    places = assembly.places(said.views[0])
    wide = np.pad(places, [(max(before, 0), max(after, 0)) for before, after in amounts[::-1]], mode=mode)
    cuts = tuple(
        slice(max(-before, 0), size - max(-after, 0))
        for (before, after), size in zip(amounts[::-1], wide.shape, strict=True)
    )
    return assembly.moved(said.views[0], wide[cuts], said.name)


def _between(assembly: Assembly, said: Operation, view: View, axis: int, sizes: tuple[int, int], fill: float) -> View:
    """The tensor between so many constants along an axis."""
    shape = assembly.shape(view)
    sides = []
    for size, side in zip(sizes, ("before", "after"), strict=True):
        constants = np.full((*shape[:axis], size, *shape[axis + 1 :]), fill)
        sides.append([assembly.constant(f"{said.name}.{side}{axis}", constants)] if size else [])
    if not any(sizes):
        return view
    output = (*shape[:axis], shape[axis] + sum(sizes), *shape[axis + 1 :])
    return assembly.layer(Concat, said.part("cat", {"dim": axis}, (*sides[0], view, *sides[1]), output, f"along{axis}"))


def _amounts(said: Operation) -> list[tuple[int, int]]:
    """Before and after, of all axes, the last one first."""
    rank = len(said.output)
    if said["pads"] is None:  # torch's own order
        given: Any = [*said["pad"], *[0] * (2 * rank)][: 2 * rank]
        return [(int(given[2 * place]), int(given[2 * place + 1])) for place in range(rank)]
    found, pads = [(0, 0)] * rank, said["pads"]
    axes = [axis % rank for axis in (range(rank) if said["axes"] is None else said["axes"])]
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        found[rank - 1 - axis] = (int(before), int(after))
    return found
