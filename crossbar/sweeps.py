"""Line sweeps: the numba kernels that solve a crossbar whose word and bit lines both have wire resistance.

With the bit-line voltages held, every word line is a tridiagonal system; with the word lines held, every bit line is.
Solving the two in turn is block Gauss-Seidel, which always converges for this positive definite system and fast where
wires conduct far better than cells. The two are fused: one pass walks the rows once, back-substituting the bit lines
of the pass before, solving the row's word line and eliminating the bit lines in the other direction for the next.

After a pass every bit line obeys Kirchhoff's current law exactly, and node (i, j) of a word line misses it by
g[i, j] times the change of its bit line's voltage. A current injected at a node comes out of the sense inputs at most
whole, so the sum of those currents bounds the sum of the errors of all bit-line currents. Passes stop on this bound.

Vectors are innermost, so that one pass serves a block of them. The slow twin is `crossbar.nodal`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Floats = np.ndarray[Any, np.dtype[np.float64]]

BLOCK = 32
"""Vectors a block: enough for SIMD, few enough for the cache."""


@njit(cache=True)
def _word_factors(g: Floats, s_first: float, s: float) -> tuple[Floats, Floats]:
    """Elimination of each word line: g / pivot and s / pivot.

    `excess` is the conductance to ground and source seen at a node from its left, so no pivot is a difference.
    """
    m, n = g.shape
    cell, wire = np.empty((m, n)), np.empty((m, n))
    for i in range(m):
        excess = g[i, 0] + s_first
        for j in range(n):
            if j > 0:
                excess = g[i, j] + s * excess / (s + excess)
            pivot = excess + s if j < n - 1 else excess
            cell[i, j] = g[i, j] / pivot
            wire[i, j] = s / pivot
    return cell, wire


@njit(cache=True)
def _bit_factors(g: Floats, s: float, s_last: float, way: int) -> tuple[Floats, Floats]:
    """Elimination of each bit line, way 1 from the first row to the last, -1 back: g / pivot and s / pivot."""
    m, n = g.shape
    cell, wire = np.empty((m, n)), np.empty((m, n))
    for j in range(n):
        excess = 0.0
        for step in range(m):
            i = step if way > 0 else m - 1 - step
            seen = s * excess / (s + excess) if step > 0 else 0.0
            excess = g[i, j] + seen + (s_last if i == m - 1 else 0.0)
            pivot = excess + (s if step < m - 1 else 0.0)
            cell[i, j] = g[i, j] / pivot
            wire[i, j] = s / pivot
    return cell, wire


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _row(
    g: Floats,
    word: tuple[Floats, Floats],
    bit: tuple[Floats, Floats],
    back: Floats,
    carried: Floats,
    b: Floats,
    carried_before: Floats,
    b_before: Floats,
    w: Floats,
    line: Floats,
    bound: Floats,
) -> None:
    """One row of a pass; `line` comes in with the source's share and is scratch then."""
    n, width = b.shape
    word_cell, word_wire = word
    bit_cell, bit_wire = bit
    for j in range(n):
        gj, cj, wj, xj = g[j], word_cell[j], word_wire[j], back[j]
        for k in range(width):
            x = carried[j, k] + xj * b_before[j, k]
            bound[k] += gj * abs(x - b[j, k])
            b[j, k] = x
            y = cj * x + wj * line[k]
            line[k] = y
            w[j, k] = y
    for k in range(width):
        line[k] = 0.0
    for j in range(n - 1, -1, -1):
        wj, cj, xj = word_wire[j], bit_cell[j], bit_wire[j]
        for k in range(width):
            y = w[j, k] + wj * line[k]
            line[k] = y
            carried[j, k] = cj * y + xj * carried_before[j, k]


@njit(cache=True)
def _pass(
    g: Floats,
    v: Floats,
    first: float,
    word: tuple[Floats, Floats],
    bit: tuple[Floats, Floats],
    back: tuple[Floats, Floats],
    way: int,
    carried: Floats,
    b: Floats,
    bound: Floats,
) -> None:
    """One pass over the rows; brings `carried` and `b`, shape (m, n, width), up to date.

    The rows are walked against the elimination that `carried` holds and along the one that `bit` holds: way 1 from the
    first to the last, -1 back.
    """
    m, n, width = b.shape
    w, line, nothing = np.empty((n, width)), np.empty(width), np.zeros((n, width))
    bound[:] = 0.0
    for step in range(m):
        i = step if way > 0 else m - 1 - step
        before = i - way
        carried_before = carried[before] if step > 0 else nothing
        b_before = b[before] if step > 0 else nothing
        for k in range(width):
            line[k] = first * v[i, k]
        word_i, bit_i = (word[0][i], word[1][i]), (bit[0][i], bit[1][i])
        _row(g[i], word_i, bit_i, back[1][i], carried[i], b[i], carried_before, b_before, w, line, bound)


@njit(cache=True)
def sweep_block(
    g: Floats, v: Floats, s_first: float, s_wl: float, s_bl: float, s_last: float, tolerance: float, passes: int
) -> tuple[Floats, bool]:
    """Bit-line currents of a block of vectors.

    Args:
        g: cell conductances (S), shape (m, n).
        v: word-line voltages (V), shape (m, width): vectors are columns.
        s_first: conductance from a source to its word line's first node (S).
        s_wl: of a word-line segment (S).
        s_bl: of a bit-line segment (S).
        s_last: from a bit line's last node to 0 V (S).
        tolerance: bound on the summed error of a vector's currents, over its largest current.
        passes: give up after so many, or as soon as more will clearly be needed.

    Returns:
        The currents (A), shape (n, width), and whether the tolerance was met.
    """
    m, n = g.shape
    width = v.shape[1]
    word = _word_factors(g, s_first, s_wl)
    back, bit = _bit_factors(g, s_bl, s_last, 1), _bit_factors(g, s_bl, s_last, -1)
    carried, b = np.zeros((m, n, width)), np.zeros((m, n, width))
    bound, previous = np.empty(width), np.full(width, np.inf)
    for done in range(1, passes + 1):
        _pass(g, v, s_first / s_wl, word, bit, back, -1 if done % 2 else 1, carried, b, bound)
        bit, back = (back, bit)
        if done == 1:  # nothing had reached the bit lines yet
            continue
        met, hopeless = True, False
        for k in range(width):
            largest = 0.0
            for j in range(n):
                largest = max(largest, abs(b[m - 1, j, k]))
            allowed = tolerance * s_last * largest
            if bound[k] > allowed:
                met = False
                if done > 3:
                    ahead = passes - done
                    hopeless |= bound[k] >= previous[k] or bound[k] * (bound[k] / previous[k]) ** ahead > allowed
            previous[k] = bound[k]
        if met:
            return s_last * b[m - 1], True
        if hopeless:
            break
    return s_last * b[m - 1], False
