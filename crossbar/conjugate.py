"""Conjugate gradients on a crossbar's lines: the numba kernels that solve one vector, for any wires and any ends.

With the bit lines held, every word line is a tridiagonal system of its own; with the word lines held, every bit line
is. So the word lines are eliminated and the bit lines' own systems are the preconditioner: an iteration solves each
line once. Where wires conduct far better than cells a few iterations do; elsewhere their number grows with the square
root of what plain line sweeps (`crossbar.sweeps`) take.

The unknowns are corrections to voltages that obey Kirchhoff's law in the wires, so that only cells' currents enter and
no wire's conductance multiplies a difference of nearly equal voltages. A current injected at a node leaves through the
ends of the lines at most whole: the sum of the currents that bit-line nodes miss bounds the error of any end's current.

A line without wire resistance is one node, of which all entries are equal (`ladder` false); a line that is held takes
no correction (its pivots are 0). The slow twin is `crossbar.nodal`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


class Line(NamedTuple):
    """Elimination of all lines of one direction.

    Attributes:
        inverse: 1 / pivot (ohm) at every node, shape (m, n).
        onward: wire conductance / pivot, shape (m, n).
        ladder: whether a line's nodes differ.
    """

    inverse: Floats
    onward: Floats
    ladder: bool


@njit(cache=True, nogil=True, error_model="numpy")
def word_pivots(g: Floats, wire: float, first: Floats, last: Floats) -> Line:
    """Elimination of the word lines from bit line 0 on.

    Args:
        g: conductance (S) from every node to the lines across, shape (m, n).
        wire: of a segment (S); infinite where a line is one node.
        first: conductance (S) of each line's first node to what holds it, shape (m,); infinite where that is ideal.
        last: the same of its last node.
    """
    m, n = g.shape
    inverse, onward = np.zeros((m, n)), np.zeros((m, n))
    if np.isinf(wire):
        for i in range(m):
            excess = first[i] + g[i].sum() + last[i]
            inverse[i, :] = 1 / excess if excess > 0 else 0.0
        return Line(inverse, onward, not np.isinf(wire))
    for start in range(0, m, 8):  # some lines at once, since each waits for its own divisions
        lines = min(8, m - start)
        excess = first[start : start + lines].copy()
        for j in range(n):
            for k in range(lines):
                i = start + k
                # `excess` leaves a node by other ways than the next segment: no pivot is a difference
                seen = excess[k] if j == 0 else wire * excess[k] / (wire + excess[k])
                excess[k] = seen + g[i, j] + (last[i] if j == n - 1 else 0.0)
                pivot = excess[k] + (wire if j < n - 1 else 0.0)
                if pivot > 0:
                    inverse[i, j] = 1 / pivot
                    onward[i, j] = wire * inverse[i, j]
    return Line(inverse, onward, not np.isinf(wire))


@njit(cache=True, nogil=True, error_model="numpy")
def bit_pivots(g: Floats, wire: float, first: Floats, last: Floats) -> Line:
    """Elimination of the bit lines from word line 0 on; as `word_pivots`, with `first` and `last` of shape (n,)."""
    m, n = g.shape
    inverse, onward = np.zeros((m, n)), np.zeros((m, n))
    excess = first.copy()
    if np.isinf(wire):
        for i in range(m):
            excess += g[i]
        excess += last
        for j in range(n):
            inverse[:, j] = 1 / excess[j] if excess[j] > 0 else 0.0
        return Line(inverse, onward, not np.isinf(wire))
    for i in range(m):
        for j in range(n):
            if i > 0:
                excess[j] = wire * excess[j] / (wire + excess[j])
            excess[j] += g[i, j] + (last[j] if i == m - 1 else 0.0)
            pivot = excess[j] + (wire if i < m - 1 else 0.0)
            if pivot > 0:
                inverse[i, j] = 1 / pivot
                onward[i, j] = wire / pivot
    return Line(inverse, onward, not np.isinf(wire))


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def word_voltages(current: Floats, line: Line, voltage: Floats) -> None:
    """Set `voltage` (V) to what currents (A) into the nodes of the word lines make, both of shape (m, n)."""
    m, n = current.shape
    inverse, onward = line.inverse, line.onward
    if not line.ladder:
        for i in range(m):
            voltage[i, :] = inverse[i, 0] * current[i].sum()
        return
    whole = m - m % 4
    for i in range(0, whole, 4):  # four lines at once, since each waits for its own sums
        a = b = c = d = 0.0
        for j in range(n):
            a = inverse[i, j] * current[i, j] + onward[i, j] * a
            b = inverse[i + 1, j] * current[i + 1, j] + onward[i + 1, j] * b
            c = inverse[i + 2, j] * current[i + 2, j] + onward[i + 2, j] * c
            d = inverse[i + 3, j] * current[i + 3, j] + onward[i + 3, j] * d
            voltage[i, j], voltage[i + 1, j], voltage[i + 2, j], voltage[i + 3, j] = a, b, c, d
        a = b = c = d = 0.0
        for j in range(n - 1, -1, -1):
            a = voltage[i, j] + onward[i, j] * a
            b = voltage[i + 1, j] + onward[i + 1, j] * b
            c = voltage[i + 2, j] + onward[i + 2, j] * c
            d = voltage[i + 3, j] + onward[i + 3, j] * d
            voltage[i, j], voltage[i + 1, j], voltage[i + 2, j], voltage[i + 3, j] = a, b, c, d
    for i in range(whole, m):
        a = 0.0
        for j in range(n):
            a = inverse[i, j] * current[i, j] + onward[i, j] * a
            voltage[i, j] = a
        a = 0.0
        for j in range(n - 1, -1, -1):
            a = voltage[i, j] + onward[i, j] * a
            voltage[i, j] = a


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def bit_voltages(current: Floats, line: Line, voltage: Floats) -> None:
    """Set `voltage` (V) to what currents (A) into the nodes of the bit lines make, both of shape (m, n)."""
    m, n = current.shape
    inverse, onward = line.inverse, line.onward
    along = np.zeros(n)
    if not line.ladder:
        for i in range(m):
            along += current[i]
        along *= inverse[0]
        for i in range(m):
            voltage[i] = along
        return
    for i in range(m):
        ci, gi, wi, vi = current[i], inverse[i], onward[i], voltage[i]
        for j in range(n):
            along[j] = gi[j] * ci[j] + wi[j] * along[j]
            vi[j] = along[j]
    along[:] = 0.0
    for i in range(m - 1, -1, -1):
        wi, vi = onward[i], voltage[i]
        for j in range(n):
            along[j] = vi[j] + wi[j] * along[j]
            vi[j] = along[j]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _dot(a: Floats, b: Floats) -> float:
    total = 0.0
    for k in range(a.size):
        total += a[k] * b[k]
    return total


@njit(cache=True, nogil=True, fastmath={"contract"})
def _advance(step: float, p: Floats, q: Floats, x: Floats, r: Floats) -> None:
    for k in range(p.size):
        x[k] += step * p[k]
        r[k] -= step * q[k]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _turn(factor: float, z: Floats, r: Floats, p: Floats, y: Floats) -> None:
    for k in range(p.size):
        p[k] = z[k] + factor * p[k]
        y[k] = r[k] + factor * y[k]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _sum_of_sizes(r: Floats) -> float:
    total = 0.0
    for k in range(r.size):
        total += abs(r[k])
    return total


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def missed(r: Floats, bit: Line, free: Flags) -> float:
    """Sum of the currents (A) that the bit lines' nodes miss, |.| a node; lines that are held miss nothing."""
    if bit.ladder:
        return _sum_of_sizes(r.ravel())
    total = 0.0
    for j in range(r.shape[1]):
        if free[j]:
            total += abs(r[:, j].sum())
    return total


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _as_one(currents: Floats) -> None:
    """Spread what goes into a line of one node evenly over its entries: parts that cancel leave their rounding."""
    m = currents.shape[0]
    along = np.zeros(currents.shape[1])
    for i in range(m):
        along += currents[i]
    along /= m
    for i in range(m):
        currents[i] = along


@njit(cache=True, nogil=True, error_model="numpy")
def carried(g: Floats, w: Floats, b: Floats, word: Floats, bit: Floats) -> tuple[Floats, float]:
    """Currents (A) of cells between lines at w + word and b + bit (V), (m, n) each, and the sum of their terms' sizes.

    Lines' voltages without cells and the corrections may cancel: `eps` times the sizes is what currents lose by that.
    """
    m, n = g.shape
    i_cells, sizes = np.empty((m, n)), 0.0
    for i in range(m):
        for j in range(n):
            i_cells[i, j] = g[i, j] * ((w[i, j] - b[i, j]) + (word[i, j] - bit[i, j]))
            sizes += g[i, j] * (abs(w[i, j]) + abs(b[i, j]) + abs(word[i, j]) + abs(bit[i, j]))
    return i_cells, sizes


@njit(cache=True, nogil=True, error_model="numpy")
def conjugate(
    g: Floats,
    word: Line,
    bit: Line,
    free: Flags,
    r: Floats,
    through: Floats,
    s_first: Floats,
    s_last: Floats,
    tolerance: float,
    floor: float,
    iterations: int,
) -> tuple[Floats, float, int, bool]:
    """Corrections of the bit lines' voltages, where cells are conductances.

    Args:
        g: cell conductances (S), shape (m, n).
        word: elimination of the word lines.
        bit: of the bit lines.
        free: which bit lines are not held, shape (n,).
        r: current (A) that each bit-line node misses with the word lines at their answer to it, shape (m, n);
            overwritten with what is missed in the end.
        through: current (A) along each bit line as it stands, without cells, shape (n,).
        s_first: conductance (S) that ties each bit line's first node, 0 for an open end, shape (n,).
        s_last: the same of its last.
        tolerance: bound on the summed error of currents, over the largest current of a bit line's end.
        floor: bound (A) below which rounding leaves nothing to gain.
        iterations: give up after so many.

    Returns:
        The corrections (V), shape (m, n), the bound (A), the iterations done, and whether they reached the tolerance,
        or the floor where no end of a bit line carries anything.
    """
    m, n = g.shape
    x, z, q = np.zeros((m, n)), np.empty((m, n)), np.empty((m, n))
    if not bit.ladder:
        _as_one(r)
    bit_voltages(r, bit, z)
    p, y = z.copy(), r.copy()
    along = _dot(z.ravel(), r.ravel())
    bound = missed(r, bit, free)
    for done in range(iterations + 1):
        largest = 0.0
        for j in range(n):
            largest = max(largest, abs(through[j] + s_last[j] * x[m - 1, j]), abs(through[j] - s_first[j] * x[0, j]))
        met = max(bound, floor) <= tolerance * largest or (bound <= floor and largest == 0)
        if met or bound <= floor or done == iterations or along <= 0:
            return x, bound, done, met
        # q = (bit lines' system - what the word lines give back) p, of which y is the first part
        for i in range(m):
            for j in range(n):
                z[i, j] = g[i, j] * p[i, j]
        word_voltages(z, word, q)
        for i in range(m):
            for j in range(n):
                q[i, j] = y[i, j] - g[i, j] * q[i, j]
        if not bit.ladder:
            _as_one(q)
        _advance(along / _dot(p.ravel(), q.ravel()), p.ravel(), q.ravel(), x.ravel(), r.ravel())
        bit_voltages(r, bit, z)
        before, along = along, _dot(z.ravel(), r.ravel())
        _turn(along / before, z.ravel(), r.ravel(), p.ravel(), y.ravel())
        bound = missed(r, bit, free)
    return x, bound, iterations, False


@njit(cache=True, nogil=True, error_model="numpy")
def _given_back(by_word: Floats, by_bit: Floats, word: Line, bit: Line, p: Floats, volts: Floats, kept: Floats) -> None:
    """Set `volts` (V) to what currents p make on the bit lines, and `kept` to what of p does not come back (A)."""
    m, n = p.shape
    bit_voltages(p, bit, volts)
    for i in range(m):
        for j in range(n):
            kept[i, j] = by_bit[i, j] * volts[i, j]
    word_voltages(kept, word, kept)
    for i in range(m):
        for j in range(n):
            kept[i, j] = p[i, j] - by_word[i, j] * kept[i, j]
    if not bit.ladder:
        _as_one(kept)


@njit(cache=True, nogil=True, error_model="numpy")
def stabilised(
    by_word: Floats, by_bit: Floats, word: Line, bit: Line, free: Flags, r: Floats, floor: float, iterations: int
) -> tuple[Floats, float, int, bool]:
    """Corrections of the bit lines' voltages where cells answer otherwise to one line than to the other.

    The same system, which is not symmetric then, by BiCGSTAB (van der Vorst, SIAM J. Sci. Stat. Comput. 13(2), 1992),
    preconditioned from the right, so that the residual is the currents that nodes miss.

    Args:
        by_word: change of each cell's current with its word line's voltage (S), shape (m, n).
        by_bit: minus the change with its bit line's (S), shape (m, n).
        word: elimination of the word lines.
        bit: of the bit lines.
        free: which bit lines are not held, shape (n,).
        r: as in `conjugate`; overwritten with what is missed in the end.
        floor: bound (A) on the summed error that is enough.
        iterations: give up after so many.

    Returns:
        The corrections (V), shape (m, n), the bound (A), the iterations done, and whether they sufficed.
    """
    shape = r.shape
    if not bit.ladder:
        _as_one(r)
    x, shadow, p = np.zeros(shape), r.copy(), r.copy()
    p_volts, p_kept, r_volts, r_kept = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape)
    along = _dot(shadow.ravel(), r.ravel())
    bound = missed(r, bit, free)
    for done in range(iterations + 1):
        if bound <= floor or done == iterations or along == 0:
            return x, bound, done, bound <= floor
        _given_back(by_word, by_bit, word, bit, p, p_volts, p_kept)
        step = along / _dot(shadow.ravel(), p_kept.ravel())
        _advance(step, p_volts.ravel(), p_kept.ravel(), x.ravel(), r.ravel())
        _given_back(by_word, by_bit, word, bit, r, r_volts, r_kept)
        size = _dot(r_kept.ravel(), r_kept.ravel())
        turn = _dot(r_kept.ravel(), r.ravel()) / size if size > 0 else 0.0
        _advance(turn, r_volts.ravel(), r_kept.ravel(), x.ravel(), r.ravel())
        bound = missed(r, bit, free)
        before, along = along, _dot(shadow.ravel(), r.ravel())
        factor = along / before * step / turn if turn != 0 else 0.0
        for i in range(shape[0]):
            for j in range(shape[1]):
                p[i, j] = r[i, j] + factor * (p[i, j] - turn * p_kept[i, j])
    return x, bound, iterations, False
