"""Row elimination: a crossbar's effective matrix without iteration, for any wires and any cells.

Seen from the bit lines below it, the part of a crossbar above row i is a linear n-port: it drives a current of
``transfer @ v - admittance @ b`` into the bit lines at voltages b. A row adds its own n-port, a segment of wire is a
resistance in series, and past the last one the bit lines are at 0 V. The cost is m n^3; it does not depend on how hard
the wires are, and no step divides by a wire's resistance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import solve, solve_banded

from circuits.crossbar import Wires

Floats = np.ndarray[Any, np.dtype[np.float64]]


def eliminated(g: Floats, wires: Wires) -> Floats:
    """The effective matrix (S), shape (m, n), so that i = v @ matrix, of cells g (S), shape (m, n)."""
    if wires.r_wire_wl == 0 and wires.r_driver == 0:
        return ideal_word_lines(g, wires)
    m, n = g.shape
    transfer, admittance = np.zeros((n, m)), np.zeros((n, n))
    for i in range(m):
        own_transfer, own_admittance = _row(g[i], wires)
        transfer[:, i] = own_transfer
        admittance += own_admittance
        series = wires.r_wire_bl + (wires.r_sink if i == m - 1 else 0.0)
        if series > 0:
            both = np.concatenate([admittance, transfer[:, : i + 1]], axis=1)
            passed = solve(np.eye(n) + series * admittance, both, assume_a="pos")
            admittance, transfer[:, : i + 1] = passed[:, :n], passed[:, n:]
            admittance = (admittance + admittance.T) / 2
    return transfer.T


def ideal_word_lines(g: Floats, wires: Wires) -> Floats:
    """The effective matrix where word lines have no resistance: every bit line is a ladder of its own."""
    m, n = g.shape
    share, excess = np.empty((m, n)), np.zeros(n)
    for i in range(m):
        series = wires.r_wire_bl + (wires.r_sink if i == m - 1 else 0.0)
        excess = excess + g[i]
        share[i] = 1 / (1 + series * excess)  # of a current at this row, what goes on towards the sense input
        excess = excess * share[i]
    return g * np.cumprod(share[::-1], axis=0)[::-1]


def _row(g: Floats, wires: Wires) -> tuple[Floats, Floats]:
    """Transfer (n,) and admittance (n, n) of one word line with its cells, seen from the bit lines."""
    n = g.size
    if wires.r_wire_wl == 0:
        total = 1 / wires.r_driver + g.sum()
        return g / (wires.r_driver * total), np.diag(g) - np.outer(g, g) / total
    first = 1 / (wires.r_wire_wl + wires.r_driver)
    segment = 1 / wires.r_wire_wl
    banded = np.full((3, n), -segment)
    banded[1] = g + segment * (np.arange(n) > 0) + segment * (np.arange(n) < n - 1)
    banded[1, 0] += first
    known = np.concatenate([np.diag(g), np.zeros((n, 1))], axis=1)
    known[0, n] = first
    w = solve_banded((1, 1), banded, known)  # the word line's voltages for 1 V on each bit line, then on the source
    return g * w[:, n], np.diag(g) - g[:, None] * w[:, :n]
