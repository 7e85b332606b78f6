"""Currents and noise margins of many cells from tables: plain functions on arrays, for numba.

A half-cell is an inverter with its pass gate; `a` is its input, `b` its output. The current that leaves its output
rises with a and with b. In d = a - b and w = a + b, the butterfly's axes turned by 45 degrees (`spice.butterfly`), its
transfer curve is one function w(d): the root of a current that is monotone in w and whose slope never vanishes, so that
neither the flat nor the steep part is hard for Newton's method. The side of the square between two curves is half their
distance in w.

All in one module: numba's cache looks at a kernel's own file only, and would keep what it inlined from another.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from spice.compact.tables import Tables

Floats = np.ndarray[Any, np.dtype[np.float64]]
Four = tuple[float, float, float, float]

FAST: dict[str, Any] = {"fastmath": {"contract", "arcp"}, "error_model": "numpy"}

_SIXTH = 1 / 6
_STRIDE, _STRIDES = 0.06, 3  # of the supply, from the nominal cell's square towards a cell's
_SCAN = 12  # points of the scan for the squares
_FINE = 120
_SMALL = 0.03  # of the supply: smaller squares are looked for on the fine scan
_EVALUATIONS = 60  # of a root, most of them halvings that a smooth table never needs
_STEP = 2e-4  # V; a Newton step this small leaves an error of its square over some 30 mV
_BEYOND = 0.05  # V; roots are sought so far beyond the supplies, where one may lie by a hair
_REFINEMENTS = 8
_SETTLED = 200  # rounds for a state to settle; each takes it nearer by the gain of both inverters
_AT_REST = 1e-7  # V
_FLAT = 1e-3  # slope of a side over u: where it is less, the square is the largest to a microvolt


class Half(NamedTuple):
    """A half-cell's own devices.

    Attributes:
        lean: overdrive lost by pull-down and pull-up, V, shape (2,).
        down: relative change of the pull-down's current, spline over the coarser nodes.
        up: of the pull-up's.
        line: pass gate's current over the output, spline, A.
    """

    lean: Floats
    down: Floats
    up: Floats
    line: Floats


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
def _surface(table: Floats, grids: Floats, row: int, x: float, y: float) -> tuple[float, float, float]:
    """Value of a surface whose nodes are rows `row` and `row` + 1 of the grids, and its slopes over x and y."""
    i, tx = _cell(x, grids[row, 0], grids[row, 1], table.shape[0])
    j, ty = _cell(y, grids[row + 1, 0], grids[row + 1, 1], table.shape[1])
    wx, sx, wy, sy = _weights(tx), _slopes(tx), _weights(ty), _slopes(ty)
    j1, j2, j3 = j + np.uint64(1), j + np.uint64(2), j + np.uint64(3)
    value, along_x, along_y = 0.0, 0.0, 0.0
    for m in range(4):
        k = i + np.uint64(m)
        c0, c1, c2, c3 = table[k, j], table[k, j1], table[k, j2], table[k, j3]
        line = wy[0] * c0 + wy[1] * c1 + wy[2] * c2 + wy[3] * c3
        value += wx[m] * line
        along_x += sx[m] * line
        along_y += wx[m] * (sy[0] * c0 + sy[1] * c1 + sy[2] * c2 + sy[3] * c3)
    return value, along_x / grids[row, 1], along_y / grids[row + 1, 1]


@njit(cache=True, inline="always", **FAST)
def _latch(table: Floats, change: Floats, grids: Floats, x: float, y: float) -> tuple[float, float, float]:
    """Current of a latch device, and its slopes over x and y."""
    nominal, along_x, along_y = _surface(table, grids, 0, x, y)
    change_, change_x, change_y = _surface(change, grids, 2, x, y)
    gain = 1.0 + change_
    return gain * nominal, gain * along_x + nominal * change_x, gain * along_y + nominal * change_y


@njit(cache=True, inline="always", **FAST)
def _access(line: Floats, grids: Floats, y: float) -> tuple[float, float]:
    """Current of the pass gate, and its slope over the output voltage."""
    j, t = _cell(y, grids[5, 0], grids[5, 1], line.size)
    w, s = _weights(t), _slopes(t)
    value, slope = 0.0, 0.0
    for n in range(4):
        value += w[n] * line[j + np.uint64(n)]
        slope += s[n] * line[j + np.uint64(n)]
    return value, slope / grids[5, 1]


@njit(cache=True, inline="always", **FAST)
def leaving(
    n_latch: Floats, p_latch: Floats, grids: Floats, vdd: float, half: Half, a: float, b: float
) -> tuple[float, float, float]:
    """Current (A) that leaves the output node of a half-cell, and its slopes (S) over input `a` and output `b` (V).

    Args:
        n_latch: `Tables.latch` of the pull-down; arrays one by one, as numba counts references to those in a tuple.
        p_latch: of the pull-up.
        grids: of the tables.
        vdd: of the tables.
        half: its devices.
        a: input, V.
        b: output, V.
    """
    i_down, down_a, down_b = _latch(n_latch, half.down, grids, a - half.lean[0], b)
    i_up, up_a, up_b = _latch(p_latch, half.up, grids, vdd - a - half.lean[1], vdd - b)
    i_access, access_b = _access(half.line, grids, b)
    return i_down - i_up - i_access, down_a + up_a, down_b + up_b - access_b


@njit(cache=True, **FAST)
def _blank(tables: Tables) -> Half:
    """Room for a half-cell's devices."""
    shape = tables.change.shape[2:]
    return Half(np.empty(2), np.empty(shape), np.empty(shape), np.empty(tables.access.shape[2]))


@njit(cache=True, **FAST)
def _change(terms: Floats, s: float, t: float, result: Floats) -> None:
    """Write the relative change of a device's current at shifts of threshold (V) and oxide into `result`."""
    squared, oxide, both = s * s, t * t, s * t
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            of_shift = s * terms[0, i, j] + squared * terms[1, i, j]
            result[i, j] = of_shift + t * terms[2, i, j] + oxide * terms[3, i, j] + both * terms[4, i, j]


@njit(cache=True, **FAST)
def fill(tables: Tables, shifts: Floats, half: Half) -> None:
    """Make a half-cell's devices.

    Args:
        tables: of the condition.
        shifts: of pull-down, pass gate and pull-up: threshold as `delvto` (V) and relative oxide thickness, shape
            (2, 3).
        half: receives them.
    """
    half.lean[0] = shifts[0, 0] + tables.lean[0] * shifts[1, 0]
    half.lean[1] = -shifts[0, 2] + tables.lean[2] * shifts[1, 2]
    _change(tables.change[0], shifts[0, 0], shifts[1, 0], half.down)
    _change(tables.change[1], -shifts[0, 2], shifts[1, 2], half.up)
    oxide, access, line = shifts[1, 1], tables.access, half.line
    i, t = _cell(shifts[0, 1] + tables.lean[1] * oxide, tables.grids[4, 0], tables.grids[4, 1], tables.access.shape[1])
    w = _weights(t)
    line[:] = 0.0
    for m in range(4):
        first, second, k = w[m] * oxide, w[m] * oxide * oxide, i + np.uint64(m)
        for y in range(line.size):
            line[y] += w[m] * access[0, k, y] + first * access[1, k, y] + second * access[2, k, y]


@njit(cache=True, **FAST)
def _root(
    tables: Tables, half: Half, a: float, b: float, along: float, low: float, high: float, t: float
) -> tuple[float, float, float]:
    """Where the current that leaves a half-cell's output is zero on a line of inputs and outputs.

    Args:
        tables: of the condition.
        half: its devices.
        a: the line is input a + along * t,
        b: output b + t.
        along: 1 turned by 45 degrees, 0 at one input.
        low: bracket of t, V.
        high: likewise.
        t: guess, V.

    Returns:
        t (V), and the current's slopes (S) over input and output next to it.
    """
    n_latch, p_latch, grids, vdd = tables.latch[0], tables.latch[1], tables.grids, tables.vdd
    fa, fb = 0.0, 0.0
    for _ in range(_EVALUATIONS):
        f, fa, fb = leaving(n_latch, p_latch, grids, vdd, half, a + along * t, b + t)
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
def output(tables: Tables, half: Half, a: float) -> float:
    """Output (V) of a half-cell at input `a` (V)."""
    vdd = tables.vdd
    b, _fa, _fb = _root(tables, half, a, 0.0, 0.0, -_BEYOND, vdd + _BEYOND, vdd - a)
    return float(b)


@njit(cache=True, **FAST)
def _turned(tables: Tables, half: Half, d: float, guess: float) -> tuple[float, float]:
    """Sum w = a + b (V) on the transfer curve at d = a - b (V), and its slope over d."""
    low, high = 0.5 * abs(d) - _BEYOND, tables.vdd - 0.5 * abs(d) + _BEYOND
    start = min(max(0.5 * guess, low), high)
    t, fa, fb = _root(tables, half, 0.5 * d, -0.5 * d, 1.0, low, high, start)
    return 2 * t, (fb - fa) / (fa + fb)


@njit(cache=True, **FAST)
def _side(tables: Tables, halves: tuple[Half, Half], u: float, point: Floats) -> None:
    """The square between the curves at u = q - qb (V).

    `point` holds guesses of both curves' sums w (V) in its first two elements; it receives the sums, their slopes over
    u, and the side (V, signed) and its slope.
    """
    point[0], rate = _turned(tables, halves[0], -u, point[0])
    point[1], point[3] = _turned(tables, halves[1], u, point[1])
    point[2] = -rate
    point[4] = 0.5 * (point[1] - point[0])
    point[5] = 0.5 * (point[3] - point[2])


@njit(cache=True, **FAST)
def _scan(tables: Tables, halves: tuple[Half, Half], low: float, high: float, points: Floats) -> None:
    """The squares (see `_side`) at places from u = low to high (V)."""
    spacing = (high - low) / (len(points) - 1)
    points[0, :2] = abs(low)
    for i in range(len(points)):
        if i > 0:
            points[i, :2] = points[i - 1, :2] + spacing * points[i - 1, 2:4]
        _side(tables, halves, low + i * spacing, points[i])


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
def _largest(tables: Tables, halves: tuple[Half, Half], sign: float, low: float, high: float, ends: Floats) -> float:
    """Local maximum of sign * side (V) between two places where it rises and falls.

    The cubic through both ends with their slopes says where to look next.

    Args:
        tables: of the condition.
        halves: left and right.
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
        _side(tables, halves, u, point)
        here, rate = sign * point[4], sign * point[5]
        if abs(rate) < _FLAT:
            return float(here)
        if rate > 0:
            low, y[0], slope[0] = u, here, rate
        else:
            high, y[1], slope[1] = u, here, rate
    return float(max(y[0], y[1]))


@njit(cache=True, **FAST)
def _near(tables: Tables, halves: tuple[Half, Half], sign: float, start: Floats, ends: Floats) -> float:
    """Local maximum of sign * side (V) near that of the nominal cell; 0 where it is not near.

    Args:
        tables: of the condition.
        halves: left and right.
        sign: 1 for a peak, -1 for a trough.
        start: place u and sums w of the nominal one, V, shape (3,).
        ends: room for two squares, shape (2, 6).
    """
    u = start[0]
    if math.isnan(u):
        return 0.0
    ends[0, :2] = start[1:]
    _side(tables, halves, u, ends[0])
    stride = _STRIDE * tables.vdd * (1.0 if sign * ends[0, 5] > 0 else -1.0)
    for _ in range(_STRIDES):
        ends[1, :2] = ends[0, :2] + stride * ends[0, 2:4]
        _side(tables, halves, u + stride, ends[1])
        if ends[0, 5] * ends[1, 5] <= 0:
            if stride > 0:
                return float(_largest(tables, halves, sign, u, u + stride, ends))
            return float(_largest(tables, halves, sign, u + stride, u, ends[::-1]))
        u += stride
        ends[0] = ends[1]
    return 0.0


@njit(cache=True, **FAST)
def _searched(tables: Tables, halves: tuple[Half, Half], points: Floats, first: int) -> tuple[float, float, int, int]:
    """A scan for the squares: its first place, its spacing (V), and the indices of the largest (see `_pair`).

    Args:
        tables: of the condition.
        halves: left and right.
        points: receives the squares, shape (_FINE, 6); of a coarser scan the first of them.
        first: points of the scan; where a lobe is lost in it, or nearly, all of `points`.
    """
    vdd = tables.vdd
    low = max(-output(tables, halves[1], 0.0), output(tables, halves[0], vdd) - vdd)
    high = min(vdd - output(tables, halves[1], vdd), output(tables, halves[0], 0.0))
    count, peak, trough = 0, -1, -1
    for count in (first, _FINE):
        _scan(tables, halves, low, high, points[:count])
        peak, trough = _pair(points[:count])
        if peak >= 0 and trough >= 0:
            one, other = max(points[peak, 4], points[peak + 1, 4]), min(points[trough, 4], points[trough + 1, 4])
            if min(one, -other) > _SMALL * vdd:
                break
    return low, (high - low) / (count - 1), peak, trough


@njit(cache=True, **FAST)
def nominal_squares(tables: Tables) -> Floats:
    """Places u and sums w (V) of the nominal cell's largest squares, shape (2, 3): peak, trough; NaN where none is."""
    halves, points, found = (_blank(tables), _blank(tables)), np.empty((_FINE, 6)), np.full((2, 3), np.nan)
    for half in halves:
        fill(tables, np.zeros((2, 3)), half)
    low, spacing, peak, trough = _searched(tables, halves, points, _FINE)
    for slot, at in ((0, peak), (1, trough)):
        if at >= 0:
            found[slot, 0] = low + at * spacing
            found[slot, 1:] = points[at, :2]
    return found


@njit(cache=True, **FAST)
def _lobes(tables: Tables, halves: tuple[Half, Half], starts: Floats, points: Floats, result: Floats) -> None:
    """Noise margins of one cell as `spice.butterfly.Butterfly.lobes` defines them.

    Most cells have theirs near the nominal cell's. Where one is not there or small, the whole of the curves is scanned.

    Args:
        tables: of the condition.
        halves: left and right.
        starts: of `nominal_squares`.
        points: room for the scan, shape (_FINE, 6).
        result: receives the margins storing 0 and 1 in q, V; NaN for a lobe that is not there.
    """
    least = _SMALL * tables.vdd
    result[0] = _near(tables, halves, 1.0, starts[0], points[:2])
    if result[0] > least:
        result[1] = _near(tables, halves, -1.0, starts[1], points[:2])
        if result[1] > least:
            return
    low, spacing, peak, trough = _searched(tables, halves, points, _SCAN)
    for slot, sign, at in ((0, 1.0, peak), (1, -1.0, trough)):
        u = low + at * spacing
        found = at >= 0
        result[slot] = _largest(tables, halves, sign, u, u + spacing, points[at : at + 2]) if found else math.nan


@njit(cache=True, nogil=True, **FAST)
def all_lobes(tables: Tables, starts: Floats, shifts: Floats) -> Floats:
    """Noise margins (V) of cells storing 0 and 1, shape (cells, 2); see `_lobes`.

    Args:
        tables: of the condition.
        starts: of `nominal_squares`.
        shifts: of pull-down, pass gate and pull-up, left and right: threshold as `delvto` (V) and relative oxide
            thickness, shape (cells, 2 sides, 2 kinds, 3 devices).
    """
    result, points = np.empty((shifts.shape[0], 2)), np.empty((_FINE, 6))
    halves = (_blank(tables), _blank(tables))
    for cell in range(shifts.shape[0]):
        fill(tables, shifts[cell, 0], halves[0])
        fill(tables, shifts[cell, 1], halves[1])
        _lobes(tables, halves, starts, points, result[cell])
    return result


@njit(cache=True, **FAST)
def _rest(tables: Tables, halves: tuple[Half, Half], q: float) -> tuple[float, float]:
    """State (q, qb), V, that the cell settles in when its left node starts at `q` V."""
    qb = 0.0
    for _ in range(_SETTLED):
        qb = output(tables, halves[1], q)
        settled = output(tables, halves[0], qb)
        near = abs(settled - q) < _AT_REST
        q = settled
        if near:
            break
    return q, qb


@njit(cache=True, nogil=True, **FAST)
def all_read_currents(tables: Tables, shifts: Floats) -> Floats:
    """Currents (A) out of the left bit line of cells that store 0, and of the right one where they store 1.

    Args:
        tables: of the condition, word line at the supply.
        shifts: as of `all_lobes`.
    """
    result, halves = np.empty((shifts.shape[0], 2)), (_blank(tables), _blank(tables))
    for cell in range(shifts.shape[0]):
        fill(tables, shifts[cell, 0], halves[0])
        fill(tables, shifts[cell, 1], halves[1])
        q, _ = _rest(tables, halves, 0.0)
        _, qb = _rest(tables, halves, tables.vdd)
        result[cell, 0] = _access(halves[0].line, tables.grids, q)[0]
        result[cell, 1] = _access(halves[1].line, tables.grids, qb)[0]
    return result
