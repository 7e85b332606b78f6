"""Read noise margins of many cells from the tables of `spice.compact.currents`: plain functions on arrays, for numba.

The current that leaves a half-cell's output rises with its input a and with its output b. In d = a - b and w = a + b,
the butterfly's axes turned by 45 degrees (`spice.butterfly`), its transfer curve is one function w(d): the root of a
current that is monotone in w and whose slope never vanishes, so that neither the flat nor the steep part is hard for
Newton's method. The side of the square between two curves is half their distance in w.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from spice.compact.currents import FAST, Tables, access_line, leaving

Floats = np.ndarray[Any, np.dtype[np.float64]]

_SCAN = 12  # points of the scan for the squares
_FINE = 120
_SMALL = 0.03  # of the supply: smaller squares are looked for on the fine scan
_EVALUATIONS = 40  # of a root, most of them halvings that a smooth table never needs
_STEP = 2e-4  # V; a Newton step this small leaves an error of its square over some 30 mV
_BEYOND = 0.05  # V; roots are sought so far beyond the supplies, where one may lie by a hair
_REFINEMENTS = 8
_FLAT = 1e-3  # slope of a side over u: where it is less, the square is the largest to a microvolt


@njit(cache=True, **FAST)
def _root(
    tables: Tables, line: Floats, shifts: Floats, a: float, b: float, along: float, low: float, high: float, t: float
) -> tuple[float, float, float]:
    """Where the current that leaves a half-cell's output is zero on a line of inputs and outputs.

    Args:
        tables: of the condition.
        line: of the pass gate.
        shifts: thresholds, V, shape (3,).
        a: the line is input a + along * t,
        b: output b + t.
        along: 1 turned by 45 degrees, 0 at one input.
        low: bracket of t, V.
        high: likewise.
        t: guess, V.

    Returns:
        t (V), and the current's slopes (S) over input and output next to it.
    """
    down, up, grids, vdd = tables.latch[0], tables.latch[1], tables.grids, tables.vdd
    fa, fb = 0.0, 0.0
    for _ in range(_EVALUATIONS):
        f, fa, fb = leaving(down, up, line, grids, vdd, shifts, a + along * t, b + t)
        if f > 0:
            high = t
        else:
            low = t
        slope = along * fa + fb
        step = f / slope if slope > 0 else math.inf
        if abs(step) < _STEP:
            return t - step, fa, fb
        t = t - step if low < t - step < high else 0.5 * (low + high)
    return t, fa, fb


@njit(cache=True, **FAST)
def _output(tables: Tables, line: Floats, shifts: Floats, a: float) -> float:
    """Output (V) of a half-cell at input `a` (V)."""
    vdd = tables.vdd
    b, _fa, _fb = _root(tables, line, shifts, a, 0.0, 0.0, -_BEYOND, vdd + _BEYOND, vdd - a)
    return float(b)


@njit(cache=True, **FAST)
def _turned(tables: Tables, line: Floats, shifts: Floats, d: float, guess: float) -> tuple[float, float]:
    """Sum w = a + b (V) on the transfer curve at d = a - b (V), and its slope over d."""
    low, high = 0.5 * abs(d) - _BEYOND, tables.vdd - 0.5 * abs(d) + _BEYOND
    t, fa, fb = _root(tables, line, shifts, 0.5 * d, -0.5 * d, 1.0, low, high, min(max(0.5 * guess, low), high))
    return 2 * t, (fb - fa) / (fa + fb)


@njit(cache=True, **FAST)
def _side(tables: Tables, lines: Floats, shifts: Floats, u: float, point: Floats) -> None:
    """The square between the curves at u = q - qb (V).

    `point` holds guesses of both curves' sums w (V) in its first two elements; it receives the sums, their slopes over
    u, and the side (V, signed) and its slope.
    """
    point[0], rate = _turned(tables, lines[0], shifts[0], -u, point[0])
    point[1], point[3] = _turned(tables, lines[1], shifts[1], u, point[1])
    point[2] = -rate
    point[4] = 0.5 * (point[1] - point[0])
    point[5] = 0.5 * (point[3] - point[2])


@njit(cache=True, **FAST)
def _scan(tables: Tables, lines: Floats, shifts: Floats, low: float, high: float, points: Floats) -> None:
    """The squares (see `_side`) at places from u = low to high (V)."""
    spacing = (high - low) / (len(points) - 1)
    points[0, :2] = abs(low)
    for i in range(len(points)):
        if i > 0:
            points[i, :2] = points[i - 1, :2] + spacing * points[i - 1, 2:4]
        _side(tables, lines, shifts, low + i * spacing, points[i])


@njit(cache=True, **FAST)
def _turning(points: Floats, sign: float, first: int, last: int) -> int:
    """Index i of the highest local maximum of sign * side between points i and i + 1, first <= i < last; -1 if none."""
    found, best = -1, -math.inf
    for i in range(max(first, 0), min(last, len(points) - 1)):
        height = max(sign * points[i, 4], sign * points[i + 1, 4])
        if sign * points[i, 5] > 0 >= sign * points[i + 1, 5] and height > best:
            found, best = i, height
    return found


@njit(cache=True, **FAST)
def _pair(points: Floats) -> tuple[int, int]:
    """Where the largest squares of both lobes are (see `_turning`); -1 where there is none."""
    count = len(points)
    peak, trough = _turning(points, 1.0, 0, count), _turning(points, -1.0, 0, count)
    if peak >= 0 and trough >= 0:  # a lobe that is lost lies on its own side of the one that is left
        if points[peak, 4] > -points[trough, 4]:
            trough = _turning(points, -1.0, peak + 1, count)
        else:
            peak = _turning(points, 1.0, 0, trough)
    return peak, trough


@njit(cache=True, **FAST)
def _largest(
    tables: Tables, lines: Floats, shifts: Floats, sign: float, low: float, high: float, ends: Floats
) -> float:
    """Local maximum of sign * side (V) between two places where it rises and falls.

    The cubic through both ends with their slopes says where to look next.

    Args:
        tables: of the condition.
        lines: pass gates of both sides.
        shifts: V, shape (2, 3).
        sign: 1 for a peak, -1 for a trough.
        low: u, V.
        high: u, V.
        ends: the squares there (see `_side`), shape (2, 6).
    """
    y, slope, point = sign * ends[:, 4], sign * ends[:, 5], np.empty(6)
    guesses, first, width = ends[:, :2], low, high - low
    for _ in range(_REFINEMENTS):
        middle = slope[0] + slope[1] - 3 * (y[1] - y[0]) / (high - low)  # Nocedal and Wright, eq. 3.59
        root = math.sqrt(middle * middle - slope[0] * slope[1])
        u = high - (high - low) * (root + middle - slope[1]) / (slope[0] - slope[1] + 2 * root)
        share = (u - first) / width
        point[:2] = (1 - share) * guesses[0] + share * guesses[1]
        _side(tables, lines, shifts, u, point)
        here, rate = sign * point[4], sign * point[5]
        if abs(rate) < _FLAT:
            return float(here)
        if rate > 0:
            low, y[0], slope[0] = u, here, rate
        else:
            high, y[1], slope[1] = u, here, rate
    return float(max(y[0], y[1]))


@njit(cache=True, **FAST)
def lobes(tables: Tables, shifts: Floats, result: Floats) -> None:
    """Noise margins of one cell as `spice.butterfly.Butterfly.lobes` defines them.

    Args:
        tables: of the condition.
        shifts: thresholds of pull-down, pass gate and pull-up (V), shape (2, 3): left, right.
        result: receives the margins storing 0 and 1 in q, V; NaN without a second lobe.
    """
    lines, ends = np.empty((2, tables.access.shape[1])), np.empty((2, 2))
    for half in range(2):
        access_line(tables, shifts[half, 1], lines[half])
        ends[half, 0] = -_output(tables, lines[half], shifts[half], 0.0)
        ends[half, 1] = tables.vdd - _output(tables, lines[half], shifts[half], tables.vdd)
    low, high = max(ends[1, 0], -ends[0, 1]), min(ends[1, 1], -ends[0, 0])

    points, count, peak, trough = np.empty((_FINE, 6)), 0, -1, -1
    for count in (_SCAN, _FINE):  # a lobe that is lost, or nearly, may hide from the coarse scan
        _scan(tables, lines, shifts, low, high, points[:count])
        peak, trough = _pair(points[:count])
        if peak >= 0 and trough >= 0:
            one, other = max(points[peak, 4], points[peak + 1, 4]), min(points[trough, 4], points[trough + 1, 4])
            if min(one, -other) > _SMALL * tables.vdd:
                break
    if peak < 0 or trough < 0:
        result[:] = np.nan
        return
    spacing = (high - low) / (count - 1)
    for slot, sign, at in ((0, 1.0, peak), (1, -1.0, trough)):
        u = low + at * spacing
        result[slot] = _largest(tables, lines, shifts, sign, u, u + spacing, points[at : at + 2])


@njit(cache=True, nogil=True, **FAST)
def all_lobes(tables: Tables, shifts: Floats) -> Floats:
    """Noise margins (V) of cells with shifts[cell, side, device] (V), shape (cells, 2); see `lobes`."""
    result = np.empty((shifts.shape[0], 2))
    for cell in range(shifts.shape[0]):
        lobes(tables, shifts[cell], result[cell])
    return result
