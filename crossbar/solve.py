"""Bit-line currents of a crossbar with wires.

With fixed conductances a crossbar *is* a matrix: ``i = v @ effective_matrix(g, wires)``. The matrix is found once, and
a batch of vectors is one dense product. Few vectors are solved by themselves, which is cheaper than the matrix.

| what | how | cost |
|---|---|---|
| no wires on one side or both | closed form | m n |
| a vector or a few | conjugate gradients on the lines (`crossbar.conjugate`) | some 10 to 100 m n each |
| more vectors, the matrix | line sweeps, vectors innermost (`crossbar.sweeps`) | some 10 m n each |
| the same, where sweeps converge slowly | conjugate gradients a vector | |
| where those do not converge | sparse factorisation (`crossbar.nodal`) | |
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.crossbar import Floats, Wires, checked_conductances, checked_voltages
from circuits.terminals import reading
from crossbar.lines import SHARE, TOLERANCE, solve_apart
from crossbar.nodes import ROUNDING
from crossbar.sweeps import BLOCK, factors, sweep_block

CLOSED, CONJUGATE, SWEEPS, DIRECT = "closed form", "conjugate gradients", "line sweeps", "sparse factorisation"

_FEW = 6  # vectors that are solved one by one: a block of sweeps costs as much as these
_PASSES = 80  # of sweeps, beyond which conjugate gradients are faster
_SOME = 32  # vectors that show how far currents cancel
_TIGHTEST = 100.0  # times as tight at most are rows for the sake of vectors that cancel
_LEAST = 1e-13  # relative, that rounding leaves of any tolerance


@dataclass(frozen=True)
class Solution:
    """Bit-line currents and how far they are right.

    Attributes:
        i: currents into the sense inputs (A), shape (batch, n); of unit vectors these are the rows of the effective
            matrix (S).
        bound: on the summed error of each vector's currents (A), with what rounding may take, shape (batch,). It is
            what was reached, which rounding can leave above the tolerance.
        method: how they were found.
    """

    i: Floats
    bound: Floats
    method: str

    @property
    def relative(self) -> float:
        """The largest bound over the largest current of its own vector; 0 where nothing flows."""
        return float(_relative(self).max(initial=0.0))


def solve(
    g: Any,
    v: Any,
    r_wire_wl: float,
    r_wire_bl: float,
    r_driver: float = 0.0,
    r_sink: float = 0.0,
    tolerance: float = TOLERANCE,
) -> Floats:
    """Currents into the sense inputs of a crossbar of linear cells.

    Args:
        g: cell conductances (S), shape (m, n) = [word_line, bit_line]; 0 is an open cell.
        v: word-line voltages (V), shape (batch, m) or (m,).
        r_wire_wl: resistance of a word-line segment (ohm).
        r_wire_bl: resistance of a bit-line segment (ohm).
        r_driver: resistance of a word line's driver (ohm).
        r_sink: resistance of a bit line's sense input (ohm).
        tolerance: bound on the summed error of a vector's currents, over its largest current.

    Returns:
        The currents i (A), shape (batch, n), or (n,) for a single vector.

    Raises:
        ConfigError: an argument has another shape or a value that is not finite or negative; names it.
    """
    i = solution(g, v, Wires(r_wire_wl, r_wire_bl, r_driver, r_sink), tolerance).i
    return i[0] if np.ndim(v) == 1 else i


def solution(g: Any, v: Any, wires: Wires, tolerance: float = TOLERANCE, threads: int = 1) -> Solution:
    """Currents of a batch of vectors, with their bound and the method that was chosen; see `solve`.

    Args:
        g: cell conductances (S), shape (m, n).
        v: word-line voltages (V), shape (batch, m), or (m,) for a batch of one.
        wires: resistances of the lines.
        tolerance: bound on the summed error of a vector's currents, over its largest current.
        threads: that work on blocks of vectors; no result depends on it.

    Raises:
        ConfigError: g or v is no such array.
    """
    g = checked_conductances(g)
    v = np.atleast_2d(checked_voltages(v, g.shape[0]))
    if len(v) < min(g.shape) and not _closed(wires):
        return _each(g, v, wires, tolerance, threads)
    rows = effective_rows(g, wires, _tightened(g, v, tolerance), threads)
    terms = np.abs(v) @ np.abs(rows.i).sum(axis=1)
    found = Solution(v @ rows.i, np.abs(v) @ rows.bound + ROUNDING * terms, f"effective matrix by {rows.method}")
    late = np.flatnonzero(_relative(found) > tolerance)
    if not late.size or _closed(wires):
        return found
    alone = _each(g, v[late], wires, tolerance, threads)
    better = alone.bound < found.bound[late]
    found.i[late[better]], found.bound[late[better]] = alone.i[better], alone.bound[better]
    method = f"{found.method}; {better.sum()} vectors by {alone.method}" if better.any() else found.method
    return Solution(found.i, found.bound, method)


def _relative(found: Solution) -> Floats:
    """Bound over the largest current, of each vector; 0 where nothing flows."""
    largest = np.abs(found.i).max(axis=1, initial=0.0)
    return np.where(largest > 0, found.bound / np.where(largest > 0, largest, 1.0), 0.0)


def _tightened(g: Floats, v: Floats, tolerance: float) -> float:
    """Tolerance of the rows with which most vectors keep to theirs, whose currents cancel as they do without wires."""
    v = v[:: max(1, len(v) // _SOME)]
    largest, sizes = np.abs(v @ g).max(axis=1, initial=0.0), np.abs(v) @ g.max(axis=1)
    cancelled = float(np.max(sizes[largest > 0] / largest[largest > 0], initial=1.0))
    return max(tolerance / min(max(cancelled / 2, 1.0), _TIGHTEST), min(tolerance, _LEAST))


def effective_matrix(g: Any, wires: Wires, tolerance: float = TOLERANCE, threads: int = 1) -> Floats:
    """The matrix (S) that the crossbar g[word_line, bit_line] (S) is: ``i = v @ matrix``, shape (m, n).

    The errors of a row sum up to `tolerance` of its largest entry at most.

    Raises:
        ConfigError: g is no array of conductances.
    """
    return effective_rows(checked_conductances(g), wires, tolerance, threads).i


def effective_rows(g: Floats, wires: Wires, tolerance: float = TOLERANCE, threads: int = 1) -> Solution:
    """The effective matrix as the solution for 1 V on each word line alone."""
    if wires.r_wire_wl == 0 and wires.r_driver == 0:
        return _closed_form(_ideal_word_lines(g, wires))
    if wires.r_wire_bl == 0 and wires.r_sink == 0:
        turned, turned_wires = _turned(g, wires)
        return _closed_form(_turned_back(_ideal_word_lines(turned, turned_wires)))
    return _each(g, np.eye(len(g)), wires, tolerance, threads)


def _closed(wires: Wires) -> bool:
    """Whether one side's lines are ideal, so that the other's are ladders of their own."""
    return wires.r_wire_wl == wires.r_driver == 0 or wires.r_wire_bl == wires.r_sink == 0


def _ideal_word_lines(g: Floats, wires: Wires) -> Floats:
    """The effective matrix where word lines have no resistance: every bit line is a ladder of its own."""
    m, n = g.shape
    share, excess = np.empty((m, n)), np.zeros(n)
    for i in range(m):
        series = wires.r_wire_bl + (wires.r_sink if i == m - 1 else 0.0)
        excess = excess + g[i]
        share[i] = 1 / (1 + series * excess)  # of a current at this row, what goes on towards the sense input
        excess = excess * share[i]
    return g * np.cumprod(share[::-1], axis=0)[::-1]


def _closed_form(rows: Floats) -> Solution:
    """Rows that are products of positive factors, each of which rounds once."""
    return Solution(rows, ROUNDING * np.sqrt(sum(rows.shape)) * rows.sum(axis=1), CLOSED)


def _turned(g: Floats, wires: Wires) -> tuple[Floats, Wires]:
    """The crossbar driven from its sense inputs and sensed at its sources, which by reciprocity is the same matrix."""
    turned = Wires(wires.r_wire_bl, wires.r_wire_wl, wires.r_sink, wires.r_driver)
    return np.ascontiguousarray(g[::-1, ::-1].T), turned


def _turned_back(matrix: Floats) -> Floats:
    return np.ascontiguousarray(matrix[::-1, ::-1].T)


def _each(g: Floats, v: Floats, wires: Wires, tolerance: float, threads: int) -> Solution:
    """Every vector by itself or in a block."""
    if len(v) >= _FEW and wires.r_wire_wl > 0 and wires.r_wire_bl > 0:
        swept = _swept(g, v, wires, tolerance, threads)
        if swept is not None:
            return swept
    i, bound, method = np.empty((len(v), g.shape[1])), np.empty(len(v)), CONJUGATE
    for k, nodes in enumerate(solve_apart(g, wires, reading(v, g.shape[1]), tolerance, threads)):
        i[k], bound[k] = nodes.i_bl_last[0], nodes.bound[0]
        method = DIRECT if nodes.direct else method
    return Solution(i, bound, method)


def _swept(g: Floats, v: Floats, wires: Wires, tolerance: float, threads: int) -> Solution | None:
    """Currents for v[batch, word_line] by line sweeps, or None where they converge too slowly."""
    s_first, s_wl = 1 / (wires.r_driver + wires.r_wire_wl), 1 / wires.r_wire_wl
    s_bl, s_last = 1 / wires.r_wire_bl, 1 / (wires.r_wire_bl + wires.r_sink)
    lines = factors(g, s_first, s_wl, s_bl, s_last)

    def block(start: int) -> tuple[Floats, Floats, bool]:
        some = v[start : start + BLOCK]
        source = np.zeros((v.shape[1], BLOCK))
        source[:, : len(some)] = s_first / s_wl * some.T
        i, bound, met = sweep_block(lines, source, s_last, SHARE * tolerance, _PASSES)
        return i[:, : len(some)], bound[: len(some)], met

    starts = range(0, len(v), BLOCK)
    first = block(0)  # alone: where it is hopeless, so are the others
    if not first[2]:
        return None
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            found = [first, *pool.map(block, starts[1:])]
    else:
        found = [first, *map(block, starts[1:])]
    if not all(met for _, _, met in found):
        return None
    i = np.ascontiguousarray(np.concatenate([currents for currents, _, _ in found], axis=1).T)
    # sums of positive factors times the voltages: a word line gives no more than its cells or its driver can take
    rounding = ROUNDING * np.abs(v) @ np.minimum(g.sum(axis=1), s_first)
    return Solution(i, np.concatenate([bound for _, bound, _ in found]) + rounding, SWEEPS)
