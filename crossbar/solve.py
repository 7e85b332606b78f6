"""Bit-line currents of a crossbar with wires.

With fixed conductances a crossbar *is* a matrix: ``i = v @ effective_matrix(g, wires)``. The matrix is found once, and
a batch of vectors is one dense product. Few vectors are solved one by one, which is cheaper than the matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from circuits.crossbar import Floats, Wires, checked_conductances, checked_voltages
from crossbar.elimination import eliminated, ideal_word_lines
from crossbar.sweeps import BLOCK, sweep_block

TOLERANCE = 1e-11
"""Bound on the summed error of a solution's currents, over its largest current."""

# A pass over all unit vectors costs about 1/40 of an elimination; over a single vector far less
_PASSES_FOR_MATRIX = 40
_PASSES_FOR_VECTORS = 400


def solve(g: Any, v: Any, r_wire_wl: float, r_wire_bl: float, r_driver: float = 0.0, r_sink: float = 0.0) -> Floats:
    """Currents into the sense inputs of a crossbar of linear cells.

    Args:
        g: cell conductances (S), shape (m, n) = [word_line, bit_line]; 0 is an open cell.
        v: word-line voltages (V), shape (batch, m) or (m,).
        r_wire_wl: resistance of a word-line segment (ohm).
        r_wire_bl: resistance of a bit-line segment (ohm).
        r_driver: resistance of a word line's driver (ohm).
        r_sink: resistance of a bit line's sense input (ohm).

    Returns:
        The currents i (A), shape (batch, n), or (n,) for a single vector.

    Raises:
        ConfigError: an argument has another shape or a value that is not finite or negative; names it.
    """
    wires = Wires(r_wire_wl, r_wire_bl, r_driver, r_sink)
    g = checked_conductances(g)
    v = checked_voltages(v, g.shape[0])
    few = v.ndim == 1 or v.shape[0] < min(g.shape)
    if few and wires.r_wire_wl > 0 and wires.r_wire_bl > 0:
        i = _swept(g, np.atleast_2d(v), wires, _PASSES_FOR_VECTORS)
        if i is not None:
            return i[0] if v.ndim == 1 else i
    return np.asarray(v @ effective_matrix(g, wires))


def effective_matrix(g: Any, wires: Wires) -> Floats:
    """The matrix (S) that the crossbar g[word_line, bit_line] (S) is: ``i = v @ matrix``, shape (m, n).

    Every row is exact to `TOLERANCE` of its largest entry.

    Raises:
        ConfigError: g is no array of conductances.
    """
    g = checked_conductances(g)
    if wires.r_wire_wl == 0 and wires.r_driver == 0:
        return ideal_word_lines(g, wires)
    if wires.r_wire_bl == 0 and wires.r_sink == 0:
        return _turned_back(ideal_word_lines(*_turned(g, wires)))
    if wires.r_wire_wl > 0 and wires.r_wire_bl > 0:
        matrix = _swept(g, np.eye(g.shape[0]), wires, _PASSES_FOR_MATRIX)
        if matrix is not None:
            return matrix
    if g.shape[0] < g.shape[1]:
        return _turned_back(eliminated(*_turned(g, wires)))
    return eliminated(g, wires)


def _turned(g: Floats, wires: Wires) -> tuple[Floats, Wires]:
    """The crossbar driven from its sense inputs and sensed at its sources, which by reciprocity is the same matrix."""
    turned = Wires(wires.r_wire_bl, wires.r_wire_wl, wires.r_sink, wires.r_driver)
    return np.ascontiguousarray(g[::-1, ::-1].T), turned


def _turned_back(matrix: Floats) -> Floats:
    return np.ascontiguousarray(matrix[::-1, ::-1].T)


def _swept(g: Floats, v: Floats, wires: Wires, passes: int) -> Floats | None:
    """Currents for v[batch, word_line] by line sweeps, or None where they converge too slowly."""
    i = np.empty((v.shape[0], g.shape[1]))
    for start in range(0, v.shape[0], BLOCK):
        block = np.ascontiguousarray(v[start : start + BLOCK].T)
        currents, met = sweep_block(
            g,
            block,
            1 / (wires.r_driver + wires.r_wire_wl),
            1 / wires.r_wire_wl,
            1 / wires.r_wire_bl,
            1 / (wires.r_wire_bl + wires.r_sink),
            TOLERANCE,
            passes,
        )
        if not met:
            return None
        i[start : start + BLOCK] = currents.T
    return i
