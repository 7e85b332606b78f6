"""What a solution of a crossbar tells: voltages of all nodes, currents of all ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""Of the terms that currents are summed from: what their evaluation may lose."""


@dataclass(frozen=True)
class Nodes:
    """Voltages (V) and currents (A) of a crossbar.

    Attributes:
        word: at the word line's side of every cell, shape (batch, m, n).
        bit: at the bit line's side, shape (batch, m, n).
        i_wl_first: out of what holds the word lines' first ends, into the array, shape (batch, m); 0 for an open end.
        i_wl_last: the same of their last ends.
        i_bl_first: out of the array into what holds the bit lines' first ends, shape (batch, n).
        i_bl_last: the same of their last ends: the sensed currents.
        bound: on the summed error of a vector's currents (A), with what rounding may take, shape (batch,). It is what
            was reached, which rounding can leave above the tolerance.
        iterations: that the slowest vector took.
        direct: a sparse factorisation found them, for one vector or more.
    """

    word: Floats
    bit: Floats
    i_wl_first: Floats
    i_wl_last: Floats
    i_bl_first: Floats
    i_bl_last: Floats
    bound: Floats
    iterations: int
    direct: bool = False


def joined(parts: Sequence[Nodes]) -> Nodes:
    """Vectors after one another."""
    if len(parts) == 1:
        return parts[0]
    names = ("word", "bit", "i_wl_first", "i_wl_last", "i_bl_first", "i_bl_last", "bound")
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    iterations, direct = max(part.iterations for part in parts), any(part.direct for part in parts)
    return Nodes(iterations=iterations, direct=direct, **whole)
