"""The step response of a whole crossbar as one linear system of differential equations: slow and obviously right.

It is what `crossbar.settling` is tested against: every node with its capacitance, the driver's and the front end's
poles as further states, and the matrix exponential.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import expm

from circuits.crossbar import Floats, Wires
from circuits.line_timing import LineTiming
from circuits.terminals import reading
from crossbar.nodal import nodal_system


def step_currents(g: Floats, v: Floats, wires: Wires, timing: LineTiming, times: Any) -> Floats:
    """Currents at the front end's outputs (A), shape (times, n), after a step of the word lines to v[word_line] (V).

    Args:
        g: conductances (S), shape (m, n).
        v: V.
        wires: resistances of the lines; not both of a line's are 0.
        timing: capacitances and bandwidths.
        times: after the step (s).
    """
    m, n = g.shape
    laplacian, word, bit, ends, held = nodal_system(g, wires, reading(v, n))
    capacitance = np.zeros(laplacian.shape[0])
    np.add.at(capacitance, word.ravel(), timing.c_wl)
    np.add.at(capacitance, bit.ravel(), timing.c_bl)
    known = np.zeros(len(capacitance), dtype=bool)
    known[ends[held]] = True
    whole = _without(laplacian.toarray(), (capacitance == 0) & ~known)
    free = np.flatnonzero((capacitance > 0) & ~known)
    sources, sensed = ends[:m], ends[-n:]
    rate = -whole[np.ix_(free, free)] / capacitance[free, None]
    drive = -whole[np.ix_(free, sources)] @ v / capacitance[free]
    into = -whole[np.ix_(sensed, free)]
    tau_driver, tau_front = timing.poles
    count = len(free)
    # states: nodes, the driver's own 1 - exp(-t / tau), the front ends' outputs, and the constant 1
    a = np.zeros((count + n + 2, count + n + 2))
    a[:count, :count] = rate
    if tau_driver > 0:
        a[:count, count] = drive
        a[count, count], a[count, -1] = -1 / tau_driver, 1 / tau_driver
    else:
        a[:count, -1] = drive
    if tau_front > 0:
        lines = np.arange(count + 1, count + 1 + n)
        a[lines, :count] = into / tau_front
        a[lines, lines] = -1 / tau_front
    start = np.zeros(len(a))
    start[-1] = 1.0
    states = np.array([expm(a * t) @ start for t in times])
    return states[:, count + 1 : -1] if tau_front > 0 else states[:, :count] @ into.T


def _without(laplacian: Floats, still: Any) -> Floats:
    """The system with the nodes that hold no charge eliminated: their voltages follow from the others'."""
    if not still.any():
        return laplacian
    rest = laplacian.copy()
    rest[np.ix_(~still, ~still)] -= laplacian[np.ix_(~still, still)] @ np.linalg.solve(
        laplacian[np.ix_(still, still)], laplacian[np.ix_(still, ~still)]
    )
    return rest
