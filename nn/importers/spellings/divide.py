"""Quotients of tensors: a layer norm that is spelt out, or a product with the reciprocal."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._norm import normalised
from nn.importers.spellings.means import mean_axes
from nn.importers.spellings.variance import variance_correction
from nn.layers.affine import Affine
from nn.layers.multiply import Multiply
from nn.layers.pointwise import Pointwise

TORCH_NAMES = ("div", "mul")
ONNX_NAMES = ("Div", "Mul")
_MEANS = ("mean", "reducemean")
_CONSTANTS = ("self", "other", "exponent", "A", "B", "Y")


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """The layer norm that ``(x - mean) / sqrt(variance + epsilon)`` is; else ``a * (1 / b)``; None otherwise."""
    if said["rounding_mode"] is not None:
        return None
    division = said.kind.lower() == "div"
    if len(said.views) == 2:
        for top, bottom in (said.views, said.views[::-1])[: 1 if division else 2]:
            found = _norm(assembly, top, bottom, inverse=not division)
            if found is not None:
                view, axes, epsilon = found
                return normalised(assembly, said, view, axes, epsilon)
    held = next((said[key] for key in ("self", "A") if said[key] is not None), None)  # a constant over a tensor
    if len(said.views) == 1 and not division:
        return _by_place(assembly, said)
    if not division or (len(said.views) == 1 and held is None):
        return None
    bottom = said.views[-1]
    shape = assembly.shape(bottom)
    inverse = assembly.layer(Pointwise, said.part("reciprocal", {}, (bottom,), shape, "reciprocal"))
    if held is not None:
        return assembly.layer(Affine, said.part("mul", {"other": held}, (inverse,), said.output, ""))
    return assembly.layer(Multiply, said.part("mul", {}, (said.views[0], inverse), said.output, ""))


def _by_place(assembly: Assembly, said: Operation) -> View | None:
    """A product with factors that differ along several axes, as of rotary positions; None where they don't."""
    factors: Any = next(said[key] for key in _CONSTANTS if said[key] is not None)
    lengths = (1,) * (len(said.output) - np.ndim(factors)) + np.shape(factors)
    if sum(length > 1 for length in lengths) < 2 or lengths[0] > 1:
        return None
    held = np.broadcast_to(np.reshape(factors, lengths), (assembly.batch, *lengths[1:]))
    views = (said.views[0], assembly.constant(f"{said.name}.factors", held))
    return assembly.layer(Multiply, said.part("mul", {}, views, said.output, ""))


def _norm(assembly: Assembly, top: View, bottom: View, *, inverse: bool) -> tuple[View, tuple[int, ...], float] | None:
    """What is normalised, along which axes, and epsilon: where the top is centred and the bottom its deviation."""
    centred, variance = assembly.origin(top), _under_root(assembly, bottom, inverse=inverse)
    if centred is None or variance is None or centred.kind.lower() != "sub" or len(centred.views) != 2:
        return None
    added, epsilon = assembly.origin(variance), 0.0
    if added is not None and added.kind.lower() == "add" and len(added.views) == 1:
        held = _number(added)
        if held is None:
            return None
        variance, epsilon = added.views[0], held
    mean, spread = assembly.origin(centred.views[1]), assembly.origin(variance)
    if mean is None or spread is None or mean.kind.lower() not in _MEANS:
        return None
    view, rank = centred.views[0], len(assembly.shape(top))
    axes = mean_axes(mean, rank)
    if axes != mean_axes(spread, rank) or 0 in axes or not _same(assembly, mean.views[0], view):
        return None
    if spread.kind == "var":
        matches = variance_correction(spread) == 0 and _same(assembly, spread.views[0], view)
    else:
        squared = _squared(assembly, spread.views[0]) if spread.kind.lower() in _MEANS else None
        matches = squared is not None and _same(assembly, squared, top)
    return (view, axes, epsilon) if matches else None


def _under_root(assembly: Assembly, view: View, *, inverse: bool) -> View | None:
    """What a view is the square root of, or one over it."""
    made = assembly.origin(view)
    if made is None:
        return None
    kind = made.kind.lower()
    if inverse and kind == "reciprocal":
        return _under_root(assembly, made.views[0], inverse=False)
    power = {"sqrt": 0.5, "rsqrt": -0.5, "pow": _number(made)}.get(kind)
    return made.views[0] if power == (-0.5 if inverse else 0.5) else None


def _squared(assembly: Assembly, view: View) -> View | None:
    """What a view is the square of."""
    made = assembly.origin(view)
    if made is None:
        return None
    kind = made.kind.lower()
    twice = kind == "mul" and len(made.views) == 2 and _same(assembly, *made.views)
    return made.views[0] if kind == "square" or (kind == "pow" and _number(made) == 2) or twice else None


def _number(made: Operation) -> float | None:
    """The constant that an operation takes, where it is a single number."""
    held: Any = next((made[key] for key in _CONSTANTS if made[key] is not None), None)
    return float(np.ravel(held)[0]) if held is not None and np.size(held) == 1 else None


def _same(assembly: Assembly, one: View, other: View) -> bool:
    """Whether two views are the same numbers, computed once or, as differences of the same, twice."""
    if one is other or (one.node == other.node and np.array_equal(assembly.places(one), assembly.places(other))):
        return True
    made, again = assembly.origin(one), assembly.origin(other)
    if made is None or again is None or made.kind != again.kind or made.kind.lower() not in ("sub", *_MEANS):
        return False
    if made.kind.lower() in _MEANS and mean_axes(made, len(assembly.shape(made.views[0]))) != mean_axes(
        again, len(assembly.shape(again.views[0]))
    ):
        return False
    pairs = zip(made.views, again.views, strict=False)
    return len(made.views) == len(again.views) and all(_same(assembly, *pair) for pair in pairs)
