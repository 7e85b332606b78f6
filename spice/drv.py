"""Data-retention voltage: down to which supply a closed cell at rest keeps two states.

Word line at 0, both bit lines at that supply. Cut open, the cell maps the voltage of one node through both halves back
onto itself; it has two states where that map meets the diagonal three times (the hold margin is then positive), and
one where it meets it once. An uneven cell can have two states again at a still lower supply, but what it held is lost
by then: the figure is the highest supply at which one state is left. Noise, and the time that losing a value takes,
are not in this figure.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from bitline.core.errors import SimulationError
from circuits.stability import RETENTION_STEPS, SUPPLIES
from spice.engine import Engine

LOWEST = 0.03  # V; kT/q and so below where two states are possible
TOLERANCE = 1e-4  # V
_FALL = 0.95  # of the supply at each step of the search
_GRID = 1001  # points of the map


def retention_voltage(engine: Engine, vdd: float) -> float:
    """Data-retention voltage (V) of the loaded `circuits.stability.retention`, whose supplies it leaves altered.

    Args:
        engine: with that netlist loaded.
        vdd: a supply at which the cell does hold, V.

    Raises:
        SimulationError: the cell has one state at `vdd`.
        ConvergenceError: ngspice found no solution.
    """
    if not holds(engine, vdd):
        raise SimulationError(f"the cell at rest has one state at {vdd:g} V; give it a higher vdd")
    low = high = vdd
    while low > LOWEST and (low == high or holds(engine, low)):
        low, high = _FALL * low, low
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(engine, middle) else (middle, high)
    return (low + high) / 2


def holds(engine: Engine, supply: float) -> bool:
    """Whether the loaded cell has two states at `supply` (V)."""
    for source in SUPPLIES:
        engine.alter(source, "dc", supply)
    swept = engine.run(f"dc vin 0 {supply!r} {supply / RETENTION_STEPS!r}")
    left, right = (PchipInterpolator(swept["in"], swept[node], extrapolate=True) for node in ("q", "qb"))
    node = np.linspace(0, supply, _GRID)
    above = left(right(node)) > node
    above[0], above[-1] = True, False  # whatever rounding says: a node stays between the rails
    return int(np.count_nonzero(above[1:] != above[:-1])) >= 3
