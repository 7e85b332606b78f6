"""A crossbar whose cells have a fitted, nonlinear I-V: by repeated linear solutions.

Each step takes every cell as the conductance i(v) / v at the voltage that the last step left on it. Read I-Vs bend
little over what wires take of a read voltage, so a few steps do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bitline.core.errors import ConvergenceError
from circuits.crossbar import Floats, Wires, checked_conductances, checked_voltages
from crossbar.nodal import node_voltages

_STEPS = 50
_LEAST = 1e-6  # V, below which a cell is taken as it is there


def solve_nonlinear(
    g: Floats, v: Floats, wires: Wires, iv: Callable[[Floats, Floats], Floats], tolerance: float = 1e-9
) -> Floats:
    """Currents (A) into the sense inputs, shape (bit_lines,).

    Args:
        g: what tells cells apart (S), shape (word_lines, bit_lines): the conductance that `iv` takes.
        v: word-line voltages (V), shape (word_lines,).
        wires: resistances of the lines.
        iv: current (A) at voltages (V, 0 or more) of cells g (S), all of one shape; odd in the voltage.
        tolerance: of the largest current's change in the last step, relative.

    Raises:
        ConfigError: g or v is no such array.
        ConvergenceError: the steps do not settle.
    """
    g = checked_conductances(g)
    v = checked_voltages(v, g.shape[0])
    cells, before = g, np.zeros(g.shape[1])
    for _ in range(_STEPS):
        nodes = node_voltages(cells, v, wires)
        found: Floats = nodes.i[0]
        if np.abs(found - before).max() <= tolerance * np.abs(found).max():
            return found
        across = np.maximum(np.abs(nodes.word[0] - nodes.bit[0]), _LEAST)
        cells, before = iv(across, g) / across, found
    raise ConvergenceError(f"a crossbar of {g.shape} nonlinear cells does not settle in {_STEPS} steps")
