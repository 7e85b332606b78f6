"""The slow twin of the compact cell's kernels: scipy's splines, bracketed roots and the butterfly's own geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import BSpline
from scipy.optimize import brentq

from spice.butterfly import Butterfly
from spice.compact.cell import Condition

Floats = np.ndarray[Any, np.dtype[np.float64]]


def lobes(condition: Condition, shifts: Floats, points: int = 361) -> tuple[float, float]:
    """Read noise margins (V) of one cell with shifts[device] (V), in the order of `circuits.cells.DEVICES`.

    Args:
        condition: the cell.
        shifts: shape (6,).
        points: of the transfer curves.

    Raises:
        SimulationError: the curves have one lobe only.
    """
    vin = np.linspace(0.0, condition.tables.vdd, points)
    q, qb = (np.array([output(condition, half, float(a)) for a in vin]) for half in (shifts[:3], shifts[3:]))
    return Butterfly(vin, q, qb).lobes()


def output(condition: Condition, shifts: Floats, a: float) -> float:
    """Output (V) of a half-cell at input `a` (V), with shifts of pull-down, pass gate and pull-up (V)."""
    return float(brentq(lambda b: leaving(condition, shifts, a, b), -0.05, condition.tables.vdd + 0.05, xtol=1e-12))


def leaving(condition: Condition, shifts: Floats, a: float, b: float) -> float:
    """Current (A) that leaves the output node of a half-cell at input `a` and output `b` (V)."""
    down = _latch(condition, 0, a, b, float(shifts[0]))
    up = _latch(condition, 1, condition.tables.vdd - a, condition.tables.vdd - b, -float(shifts[2]))
    access = _surface(
        condition.tables.access, condition.tables.grids[2], condition.tables.grids[3], float(shifts[1]), b
    )
    return down - up - access


def _latch(condition: Condition, device: int, x: float, y: float, shift: float) -> float:
    table = condition.tables.latch[device] @ np.array([1.0, shift, shift**2])
    return _surface(table, condition.tables.grids[0], condition.tables.grids[1], x - shift, y)


def _surface(coefficients: Floats, first: Floats, second: Floats, x: float, y: float) -> float:
    """Tensor product of cubic B-splines, each centred on its node."""
    along_y = _line(coefficients.T, second, y)
    return float(_line(along_y, first, x))


def _line(coefficients: Floats, grid: Floats, value: float) -> Any:
    knots = grid[0] + grid[1] * np.arange(-2, len(coefficients) + 2)
    return BSpline(knots, coefficients, 3)(value)
