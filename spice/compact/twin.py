"""The slow twin of the compact cell's kernels: scipy's splines, bracketed roots and the butterfly's own geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.interpolate import BSpline
from scipy.optimize import brentq

from spice.butterfly import Butterfly
from spice.compact.tables import OXIDE_POWERS, SHIFT_POWERS, Tables

Floats = np.ndarray[Any, np.dtype[np.float64]]


def lobes(tables: Tables, shifts: Floats, points: int = 361) -> tuple[float, float]:
    """Noise margins (V) of one cell.

    Args:
        tables: the cell, read or held.
        shifts: of left and right: threshold (V) and oxide of pull-down, pass gate, pull-up, shape (2, 2, 3).
        points: of the transfer curves.

    Raises:
        SimulationError: the curves have one lobe only.
    """
    vin = np.linspace(0.0, tables.vdd, points)
    q, qb = (np.array([output(tables, half, float(a)) for a in vin]) for half in shifts)
    return Butterfly(vin, q, qb).lobes()


def output(tables: Tables, shifts: Floats, a: float) -> float:
    """Output (V) of a half-cell at input `a` (V), with shifts of threshold (V) and oxide, shape (2, 3)."""
    return float(brentq(lambda b: leaving(tables, shifts, a, b), -0.05, tables.vdd + 0.05, xtol=1e-12))


def leaving(tables: Tables, shifts: Floats, a: float, b: float) -> float:
    """Current (A) that leaves the output node of a half-cell at input `a` and output `b` (V)."""
    (down_vth, pass_vth, up_vth), (down_oxide, pass_oxide, up_oxide) = shifts.tolist()
    down = _latch(tables, 0, a, b, down_vth, down_oxide)
    up = _latch(tables, 1, tables.vdd - a, tables.vdd - b, -up_vth, up_oxide)
    access = np.tensordot(pass_oxide ** np.arange(3), tables.access, 1)
    lost = pass_vth + tables.lean[1] * pass_oxide
    return down - up - _surface(access, tables.grids[4], tables.grids[5], lost, b)


def _latch(tables: Tables, device: int, x: float, y: float, shift: float, oxide: float) -> float:
    overdrive = x - shift - (tables.lean[0], tables.lean[2])[device] * oxide
    terms = shift ** np.array(SHIFT_POWERS) * oxide ** np.array(OXIDE_POWERS)
    change = np.tensordot(terms, tables.change[device], 1)
    nominal = _surface(tables.latch[device], tables.grids[0], tables.grids[1], overdrive, y)
    return nominal * (1 + _surface(change, tables.grids[2], tables.grids[3], overdrive, y))


def _surface(coefficients: Floats, first: Floats, second: Floats, x: float, y: float) -> float:
    """Tensor product of cubic B-splines, each centred on its node."""
    along_y = _line(coefficients.T, second, y)
    return float(_line(along_y, first, x))


def _line(coefficients: Floats, grid: Floats, value: float) -> Any:
    knots = grid[0] + grid[1] * np.arange(-2, len(coefficients) + 2)
    return BSpline(knots, coefficients, 3)(value)
