"""Line sweeps: the numba kernels that solve a crossbar whose word and bit lines both have wire resistance.

With the bit-line voltages held, every word line is a tridiagonal system; with the word lines held, every bit line is.
Solving the two in turn is block Gauss-Seidel, which always converges for this positive definite system and fast where
wires conduct far better than cells. The two are fused: one pass walks the rows once, back-substituting the bit lines
of the pass before, solving the row's word line and eliminating the bit lines in the other direction for the next.

A pass works on changes of voltages only: what the bit lines moved by in the pass before is the next one's source. So
one number a node and vector is kept between passes, and the sensed currents are the sum of what each pass brings.

After a pass every bit line obeys Kirchhoff's current law exactly, and node (i, j) of a word line misses it by
g[i, j] times the change of its bit line's voltage. Of a current injected there, what reaches the sense inputs is at
most the voltage that the node would have with every bit line at 1 V (by reciprocity, since none of their nodes can be
above the sense inputs when these are at 1 V and the drivers at 0 V). So weighted, the sum of those currents bounds the
sum of the errors of all bit-line currents. Passes stop on this bound.

Vectors are innermost, so that one pass serves a block of them. The slow twin is `crossbar.nodal`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Floats = np.ndarray[Any, np.dtype[np.float64]]

BLOCK = 32
"""Vectors a block: enough for SIMD, few enough for the cache. A constant of the kernels, which are slower without."""


class Factors(NamedTuple):
    """Elimination of all lines, shape (m, n) each; a pair is (g / pivot, wire conductance / pivot).

    Attributes:
        word: of the word lines, from bit line 0 on.
        down: of the bit lines, from word line 0 on.
        up: of the bit lines, from the last word line back.
        weight: of a bit line's change in the bound (S).
    """

    word: tuple[Floats, Floats]
    down: tuple[Floats, Floats]
    up: tuple[Floats, Floats]
    weight: Floats


@njit(cache=True, nogil=True)
def factors(g: Floats, s_first: float, s_wl: float, s_bl: float, s_last: float) -> Factors:
    """What all blocks of vectors share.

    Args:
        g: cell conductances (S), shape (m, n).
        s_first: conductance from a source to its word line's first node (S).
        s_wl: of a word-line segment (S).
        s_bl: of a bit-line segment (S).
        s_last: from a bit line's last node to 0 V (S).
    """
    word = _word_factors(g, s_first, s_wl)
    down, up = _bit_factors(g, s_bl, s_last, 1), _bit_factors(g, s_bl, s_last, -1)
    return Factors(word, down, up, g * _followed(word))


@njit(cache=True)
def _followed(word: tuple[Floats, Floats]) -> Floats:
    """Voltages of the word lines' nodes, shape (m, n), with all bit lines at 1 V and the drivers at 0 V."""
    cell, wire = word
    m, n = cell.shape
    volts = np.empty((m, n))
    for i in range(m):
        along = 0.0
        for j in range(n):
            along = cell[i, j] + wire[i, j] * along
            volts[i, j] = along
        along = 0.0
        for j in range(n - 1, -1, -1):
            along = volts[i, j] + wire[i, j] * along
            volts[i, j] = along
    return volts


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
def _bit_lines(back: Floats, weight: Floats, carried: Floats, b: Floats, bound: Floats) -> None:
    """Change `b` of a row's bit-line voltages, shape (n, BLOCK), which comes in as that of the row before."""
    for j in range(carried.shape[0]):
        onward, counts = back[j], weight[j]
        for k in range(BLOCK):
            b[j, k] = carried[j, k] + onward * b[j, k]
            bound[k] += counts * abs(b[j, k])


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _word_line(
    word: tuple[Floats, Floats],
    bit: tuple[Floats, Floats],
    b: Floats,
    w: Floats,
    before: Floats,
    carried: Floats,
) -> None:
    """Solve a row's word line for the change `b` and eliminate its nodes from the bit lines.

    Args:
        word: elimination of this word line, shape (n,) each.
        bit: of the bit lines' nodes in this row.
        b: change of the bit-line voltages (V), shape (n, BLOCK).
        w: scratch, shape (n + 1, BLOCK); w[0] is what the source gives the first node.
        before: `carried` of the row before.
        carried: what is carried on, shape (n, BLOCK).
    """
    cell, wire = word
    bit_cell, bit_wire = bit
    n = carried.shape[0]
    for j in range(n):
        given, onward = cell[j], wire[j]
        for k in range(BLOCK):
            w[j + 1, k] = given * b[j, k] + onward * w[j, k]
    for k in range(BLOCK):
        w[0, k] = 0.0
    for j in range(n - 1, -1, -1):
        onward, given, across = wire[j], bit_cell[j], bit_wire[j]
        for k in range(BLOCK):
            w[0, k] = w[j + 1, k] + onward * w[0, k]
            carried[j, k] = given * w[0, k] + across * before[j, k]


@njit(cache=True, error_model="numpy")
def _pass(lines: Factors, source: Floats, number: int, carried: Floats, out: Floats, bound: Floats) -> None:
    """One pass over the rows, odd numbers from the last row to the first, even ones back.

    Args:
        lines: the elimination.
        source: voltage times s_first / s_wl, shape (m, BLOCK); drives the first pass.
        number: of the pass, from 1.
        carried: the bit lines' elimination by the pass before, shape (m, n, BLOCK); becomes that of this one.
        out: sum of the changes of the bit lines' last nodes (V), shape (n, BLOCK).
        bound: gets the bound on each vector's summed error (A), shape (BLOCK,).
    """
    m, n, _ = carried.shape
    way = -1 if number % 2 else 1
    back, bit = (lines.down, lines.up) if way < 0 else (lines.up, lines.down)
    w, b, nothing = np.empty((n + 1, BLOCK)), np.zeros((n, BLOCK)), np.zeros((n, BLOCK))
    bound[:] = 0.0
    for step in range(m):
        i = step if way > 0 else m - 1 - step
        if number > 1:
            _bit_lines(back[1][i], lines.weight[i], carried[i], b, bound)
            if i == m - 1:
                out += b
        for k in range(BLOCK):
            w[0, k] = source[i, k] if number == 1 else 0.0
        before = carried[i - way] if step > 0 else nothing
        _word_line((lines.word[0][i], lines.word[1][i]), (bit[0][i], bit[1][i]), b, w, before, carried[i])


@njit(cache=True, error_model="numpy")
def _half_pass(lines: Factors, number: int, carried: Floats, out: Floats, bound: Floats) -> None:
    """The bit lines' half of a pass, which is all that the last one needs; `carried` stays."""
    m, n, _ = carried.shape
    b = np.zeros((n, BLOCK))
    bound[:] = 0.0
    for step in range(m):
        i = m - 1 - step if number % 2 else step
        back = lines.down[1][i] if number % 2 else lines.up[1][i]
        _bit_lines(back, lines.weight[i], carried[i], b, bound)
        if i == m - 1:
            out += b


@njit(cache=True, nogil=True, error_model="numpy")
def sweep_block(
    lines: Factors, source: Floats, s_last: float, tolerance: float, passes: int
) -> tuple[Floats, Floats, bool]:
    """Bit-line currents of a block of vectors.

    Args:
        lines: the crossbar's elimination, see `factors`.
        source: word-line voltages times s_first / s_wl (V), shape (m, BLOCK): vectors are columns, padded with zeros.
        s_last: from a bit line's last node to 0 V (S).
        tolerance: bound on the summed error of a vector's currents, over its largest current.
        passes: give up after so many, or as soon as more will clearly be needed.

    Returns:
        The currents (A), shape (n, BLOCK), the bound on each vector's summed error (A), shape (BLOCK,), and whether
        the tolerance was met.
    """
    m, n = lines.weight.shape
    carried, out = np.zeros((m, n, BLOCK)), np.zeros((n, BLOCK))
    bound, previous = np.empty(BLOCK), np.full(BLOCK, np.inf)
    near = False
    for number in range(1, passes + 1):
        if near:  # half a pass is enough, or else it is done again
            brought = out.copy()
            _half_pass(lines, number, carried, brought, bound)
            if (bound <= _allowed(brought, s_last, tolerance)).all():
                return s_last * brought, bound, True
        _pass(lines, source, number, carried, out, bound)
        if number == 1:  # nothing had reached the bit lines yet
            continue
        allowed = _allowed(out, s_last, tolerance)
        if (bound <= allowed).all():
            return s_last * out, bound, True
        factor = np.where(bound > allowed, bound / previous, 0.0)  # that a pass takes off
        ahead = passes - number
        if number > 3 and ((factor >= 1) | (bound * factor**ahead > allowed)).any():
            break
        near = number > 2 and bool((bound * factor <= allowed).all())
        previous[:] = bound
    return s_last * out, bound, False


@njit(cache=True)
def _allowed(out: Floats, s_last: float, tolerance: float) -> Floats:
    """The bound (A) that is enough for each vector, shape (BLOCK,)."""
    largest = np.zeros(BLOCK)
    for j in range(out.shape[0]):
        for k in range(BLOCK):
            largest[k] = max(largest[k], abs(out[j, k]))
    return tolerance * s_last * largest
