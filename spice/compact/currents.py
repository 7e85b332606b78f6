"""Currents of a half-cell from tables: plain functions on arrays, for numba.

A half-cell is an inverter with its pass gate; `a` is its input, `b` its output.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Floats = np.ndarray[Any, np.dtype[np.float64]]
Four = tuple[float, float, float, float]

FAST: dict[str, Any] = {"fastmath": {"contract", "arcp"}, "error_model": "numpy"}
_SIXTH = 1 / 6


class Tables(NamedTuple):
    """Coefficients of uniform cubic B-splines of the devices' currents at one condition.

    Attributes:
        latch: over device (pull-down, pull-up), overdrive, drain-source voltage (both positive when it conducts), and
            the powers of the threshold shift for what it does beyond moving the curves along the gate voltage; A, A/V,
            A/V^2.
        access: of the pass gate over its threshold shift and the output, A.
        grids: rows (first node, spacing), V: overdrive, drain-source voltage, shift, output.
        vdd: supply, V.
    """

    latch: Floats
    access: Floats
    grids: Floats
    vdd: float


@njit(cache=True, inline="always", **FAST)
def _weights(t: float) -> Four:
    """The four cubic B-splines at the fraction t of a cell."""
    r = 1.0 - t
    square = t * t
    cube = square * t
    first, second = r * r * r, 3 * cube - 6 * square + 4
    return first * _SIXTH, second * _SIXTH, (6 - first - second - cube) * _SIXTH, cube * _SIXTH


@njit(cache=True, inline="always", **FAST)
def _slopes(t: float) -> Four:
    """Their derivatives."""
    r = 1.0 - t
    return -0.5 * r * r, 1.5 * t * t - 2 * t, -1.5 * t * t + t + 0.5, 0.5 * t * t


@njit(cache=True, inline="always", **FAST)
def _cell(value: float, first: float, spacing: float, count: int) -> tuple[Any, float]:
    """Index of the first of four coefficients (unsigned: numba would look for negative ones), and the fraction."""
    place = (value - first) / spacing
    index = min(max(int(place), 1), count - 3)
    return np.uint64(index - 1), place - index


@njit(cache=True, inline="always", **FAST)
def _row(table: Floats, i: Any, j: Any, shift: float, w: Four, s: Four) -> tuple[float, float]:
    """Sum of four neighbours along y of the table at this shift, weighted by `w` and by `s`."""
    square = shift * shift
    j1, j2, j3 = j + np.uint64(1), j + np.uint64(2), j + np.uint64(3)
    c0 = table[i, j, 0] + shift * table[i, j, 1] + square * table[i, j, 2]
    c1 = table[i, j1, 0] + shift * table[i, j1, 1] + square * table[i, j1, 2]
    c2 = table[i, j2, 0] + shift * table[i, j2, 1] + square * table[i, j2, 2]
    c3 = table[i, j3, 0] + shift * table[i, j3, 1] + square * table[i, j3, 2]
    return w[0] * c0 + w[1] * c1 + w[2] * c2 + w[3] * c3, s[0] * c0 + s[1] * c1 + s[2] * c2 + s[3] * c3


@njit(cache=True, inline="always", **FAST)
def _latch(table: Floats, grids: Floats, x: float, y: float, shift: float) -> tuple[float, float, float]:
    """Current of a latch device, and its slopes over x and y."""
    i, tx = _cell(x - shift, grids[0, 0], grids[0, 1], table.shape[0])
    j, ty = _cell(y, grids[1, 0], grids[1, 1], table.shape[1])
    wx, sx, wy, sy = _weights(tx), _slopes(tx), _weights(ty), _slopes(ty)
    value, along_x, along_y = 0.0, 0.0, 0.0
    for m in range(4):
        line, slope = _row(table, i + np.uint64(m), j, shift, wy, sy)
        value += wx[m] * line
        along_x += sx[m] * line
        along_y += wx[m] * slope
    return value, along_x / grids[0, 1], along_y / grids[1, 1]


@njit(cache=True, inline="always", **FAST)
def _access(line: Floats, grids: Floats, y: float) -> tuple[float, float]:
    """Current of the pass gate, and its slope over the output voltage."""
    j, t = _cell(y, grids[3, 0], grids[3, 1], line.size)
    w, s = _weights(t), _slopes(t)
    value, slope = 0.0, 0.0
    for n in range(4):
        value += w[n] * line[j + np.uint64(n)]
        slope += s[n] * line[j + np.uint64(n)]
    return value, slope / grids[3, 1]


@njit(cache=True, inline="always", **FAST)
def leaving(
    down: Floats, up: Floats, line: Floats, grids: Floats, vdd: float, shifts: Floats, a: float, b: float
) -> tuple[float, float, float]:
    """Current (A) that leaves the output node of a half-cell, and its slopes (S) over input `a` and output `b` (V).

    Args:
        down: `Tables.latch` of the pull-down; arrays one by one, as numba counts references to those in a tuple.
        up: of the pull-up.
        line: of the pass gate, by `access_line`.
        grids: of the tables.
        vdd: of the tables.
        shifts: thresholds of pull-down, pass gate and pull-up, V, shape (3,).
        a: input, V.
        b: output, V.
    """
    i_down, down_a, down_b = _latch(down, grids, a, b, shifts[0])
    i_up, up_a, up_b = _latch(up, grids, vdd - a, vdd - b, -shifts[2])
    i_access, access_b = _access(line, grids, b)
    return i_down - i_up - i_access, down_a + up_a, down_b + up_b - access_b


@njit(cache=True, **FAST)
def access_line(tables: Tables, shift: float, line: Floats) -> None:
    """Write the pass gate's coefficients over the output voltage at a threshold shift (V) into `line`."""
    i, t = _cell(shift, tables.grids[2, 0], tables.grids[2, 1], tables.access.shape[0])
    w = _weights(t)
    for y in range(line.size):
        line[y] = 0.0
        for m in range(4):
            line[y] += w[m] * tables.access[i + np.uint64(m), y]
