"""Largest squares between a cell's curves: plain functions on arrays, for numba.

What `spice.butterfly.Butterfly.lobes` does with monotone cubics (PCHIP), at a twentieth of the time and with cubic
splines, which are as accurate with a third of the points. `Butterfly` is the slow twin.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

Floats = np.ndarray[Any, np.dtype[np.float64]]

_GRID = 721  # points of u; the extrema are refined between them


@njit(cache=True)
def _extremum(side: Floats, sign: float, first: int, last: int) -> int:
    """Index of the largest local maximum of sign * side within the range; -1 where there is none."""
    found = -1
    for i in range(max(first, 1), min(last, side.size - 2) + 1):
        here = sign * side[i]
        if here >= sign * side[i - 1] and here > sign * side[i + 1] and (found < 0 or here > sign * side[found]):
            found = i
    return found


@njit(cache=True)
def pair(side: Floats) -> tuple[int, int]:
    """Where the largest squares of both lobes are; -1 where there is none."""
    peak, trough = _extremum(side, 1.0, 0, side.size), _extremum(side, -1.0, 0, side.size)
    if peak >= 0 and trough >= 0:  # a lobe that is lost lies on its own side of the one that is left
        if side[peak] > -side[trough]:
            trough = _extremum(side, -1.0, peak + 1, side.size)
        else:
            peak = _extremum(side, 1.0, 0, trough - 1)
    return peak, trough


@njit(cache=True)
def lobes(vin: Floats, q: Floats, qb: Floats) -> tuple[float, float]:
    """Noise margins (V) of the cell storing 0 and 1 in q, signed; NaN for a lobe that is not there.

    Args:
        vin: inputs, V, rising, shape (points,).
        q: output of the left inverter, V, falling, shape (points,).
        qb: output of the right inverter, V, falling, shape (points,).
    """
    right_u, right_w = vin - qb, vin + qb
    left_u, left_w = (q - vin)[::-1].copy(), (q + vin)[::-1].copy()
    u = np.linspace(max(right_u[0], left_u[0]), min(right_u[-1], left_u[-1]), _GRID)
    side = 0.5 * (_spline(right_u, right_w, u) - _spline(left_u, left_w, u))
    peak, trough = pair(side)
    zero = _vertex(side, peak) if peak >= 0 else math.nan
    one = -_vertex(side, trough) if trough >= 0 else math.nan
    return zero, one


@njit(cache=True)
def _vertex(y: Floats, index: int) -> float:
    """Height of the parabola through three neighbours about a local extremum."""
    before, here, after = y[index - 1], y[index], y[index + 1]
    curvature = before - 2 * here + after
    return float(here - (after - before) ** 2 / (8 * curvature)) if curvature != 0 else float(here)


@njit(cache=True)
def _spline(x: Floats, y: Floats, at: Floats) -> Floats:
    """The natural cubic spline through (x, y), x rising, at rising places within x."""
    bend = _bends(x, y)
    values, i = np.empty(at.size), 0
    for k in range(at.size):
        while i < x.size - 2 and at[k] > x[i + 1]:
            i += 1
        h = x[i + 1] - x[i]
        b = (at[k] - x[i]) / h
        a = 1.0 - b
        values[k] = a * y[i] + b * y[i + 1] + ((a**3 - a) * bend[i] + (b**3 - b) * bend[i + 1]) * h * h / 6
    return values


@njit(cache=True)
def _bends(x: Floats, y: Floats) -> Floats:
    """Second derivatives of the natural cubic spline at its nodes (Thomas algorithm)."""
    bend, upper = np.zeros(x.size), np.zeros(x.size)
    for i in range(1, x.size - 1):
        before, after = x[i] - x[i - 1], x[i + 1] - x[i]
        pivot = 2 * (before + after) - before * upper[i - 1]
        upper[i] = after / pivot
        jump = 6 * ((y[i + 1] - y[i]) / after - (y[i] - y[i - 1]) / before)
        bend[i] = (jump - before * bend[i - 1]) / pivot
    for i in range(x.size - 2, 0, -1):
        bend[i] -= upper[i] * bend[i + 1]
    return bend
