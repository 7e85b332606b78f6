"""A crossbar of nonlinear cells with wires: Newton's method on its lines.

Every step takes the cells as their tangents and solves the linear crossbar for the change of all voltages
(`crossbar.lines`), only as far as the tangents are worth. Wires' currents follow from those solutions, so that no step
multiplies a voltage by a wire's conductance. Cells' currents grow with the word line's voltage and fall with the bit
line's, so a current that a node misses leaves through the ends at most whole, as in a linear crossbar: the sum of what
nodes miss bounds the error. The slow twin is `crossbar.nonlinear`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from bitline.core.errors import ConfigError, ConvergenceError
from circuits.crossbar import Wires
from circuits.terminals import Terminals
from crossbar.cells import Carried, Law
from crossbar.edges import Edge, edges
from crossbar.lines import SHARE, Correction, LineSystem, end_currents, nodes
from crossbar.nodes import ROUNDING, Nodes, joined

Floats = np.ndarray[Any, np.dtype[np.float64]]

TOLERANCE = 1e-9
"""Bound on the summed error of a vector's currents, over the largest current of a bit line's end."""

_STEPS = 100
_HALVINGS = 30
_STALLED = 100  # times what rounding takes may be missed where no step mends it
_INNER = 1e-3  # of what is missed, left by a step's linear solution: a tangent is not worth more


def solve_cells(
    law: Law, wires: Wires, terminals: Terminals, tolerance: float = TOLERANCE, start: Nodes | None = None
) -> Nodes:
    """Every node of a crossbar of nonlinear cells.

    Args:
        law: what the cells carry.
        wires: resistances of the lines.
        terminals: what holds their ends.
        tolerance: bound on the summed error of a vector's currents, over the largest current of a bit line's end.
        start: the solution of a similar array, vector by vector, to start from.

    Raises:
        ConfigError: `terminals` are another array's, or a line without resistance is held at both ends.
        ConvergenceError: the steps do not settle.
        ModelRangeError: a cell sees a voltage that its law does not cover.
    """
    if terminals.shape != law.shape:
        raise ConfigError(f"the terminals are those of {terminals.shape} lines; the cells are {law.shape}")
    word, bit = edges(wires, terminals)
    found = []
    for k in range(terminals.batch):
        across = None if start is None else (start.word[k], start.bit[k])
        found.append(_solved(law, word, bit, terminals.vector(k), tolerance, across))
    return joined(found)


def _solved(
    law: Law, word: Edge, bit: Edge, ends: Terminals, tolerance: float, start: tuple[Floats, Floats] | None
) -> Nodes:
    """The nodes for one vector."""
    m, n = law.shape
    w, w_through = word.alone(ends.wl_first[0], ends.wl_last[0], n)
    b, b_through = bit.alone(ends.bl_first[0], ends.bl_last[0], m)
    b = np.ascontiguousarray(b.T)
    state, iterations, sizes = _first(law, w, b, start), 0, 0.0
    for step in range(_STEPS):
        sizes = max(sizes, state.sizes)  # what wires bring has the rounding of the steps before
        missed, rounding = state.missed(word, bit), ROUNDING * sizes
        system = LineSystem(state.cells.by_word, state.cells.by_bit, word, bit)
        out = end_currents(bit, state.bit[0] - b[0], state.bit[-1] - b[-1], b_through, -state.cells.i.sum(axis=0))
        largest = float(np.abs(out).max())
        enough = max(SHARE * tolerance * largest, rounding)
        after = None
        if missed > enough or step == 0:
            allowed = max(_INNER * missed, 0.1 * enough)
            change = system.correction(state.drawn, state.given, b_through, 0.0, allowed)
            iterations += change.iterations
            if change.bound > allowed:
                change = system.factorised(state.drawn, state.given)
            after = _stepped(law, state, change, missed if step else np.inf, (word, bit))
            if after is None and missed > _STALLED * rounding:
                break
        if after is None:
            law.check(state.word, state.bit)
            change = Correction(state.word - w, state.bit - b, state.given, missed, iterations, met=True)
            return nodes(system, (w, b), (w_through, b_through), change, state.cells.i, sizes)
        state = after
    raise ConvergenceError(
        f"a crossbar of {m} x {n} nonlinear cells still misses {missed:.1e} A of {largest:.1e} A after {step} steps"
    )


@dataclass(frozen=True)
class _State:
    """Voltages, and what cells carry beyond what wires do.

    Attributes:
        word: voltages of the word lines' nodes (V), shape (m, n).
        bit: of the bit lines' (V).
        cells: what the cells carry.
        brought: current (A) that wires bring to each word-line node.
        taken: current (A) that wires take from each bit-line node.
    """

    word: Floats
    bit: Floats
    cells: Carried
    brought: Floats
    taken: Floats

    @property
    def drawn(self) -> Floats:
        return self.cells.i - self.brought

    @property
    def given(self) -> Floats:
        return self.cells.i - self.taken

    @property
    def sizes(self) -> float:
        """Sum of the terms (A) that cells' currents follow from, |.| each, and of what wires bring and take."""
        return float(_sizes(*self.cells, self.word, self.bit))

    def missed(self, word: Edge, bit: Edge) -> float:
        """Sum of the currents (A) that nodes miss."""
        return _sum_missed(self.drawn, word) + _sum_missed(self.given.T, bit)


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _sizes(i: Floats, by_word: Floats, by_bit: Floats, word: Floats, bit: Floats) -> float:
    total = 0.0
    for row in range(i.shape[0]):
        for col in range(i.shape[1]):
            at_word, at_bit = by_word[row, col] * word[row, col], by_bit[row, col] * bit[row, col]
            total += abs(i[row, col]) + abs(at_word) + abs(at_bit)
    return total


def _sum_missed(currents: Floats, edge: Edge) -> float:
    """Of lines[line, node]; nodes that no resistance parts are one, and held ones miss nothing."""
    each = np.abs(currents) if np.isfinite(edge.wire) else np.abs(currents.sum(axis=1))
    return float(each[edge.free].sum())


def _first(law: Law, word: Floats, bit: Floats, start: tuple[Floats, Floats] | None) -> _State:
    """Voltages without cells, and cells as their tangents at `start`."""
    at_word, at_bit = (word, bit) if start is None else start
    cells = law(at_word, at_bit)
    i = cells.i + cells.by_word * (word - at_word) - cells.by_bit * (bit - at_bit)
    return _State(word, bit, Carried(i, cells.by_word, cells.by_bit), np.zeros_like(i), np.zeros_like(i))


def _stepped(law: Law, state: _State, change: Correction, missed: float, lines: tuple[Edge, Edge]) -> _State | None:
    """The state after the step, or after a part of it where the whole one misses more than before; None if any does."""
    brought = state.cells.i + state.cells.by_word * change.word - state.cells.by_bit * change.bit
    taken = brought - change.left
    part = 1.0
    for _ in range(_HALVINGS):
        word, bit = state.word + part * change.word, state.bit + part * change.bit
        after = _State(
            word,
            bit,
            law(word, bit),
            state.brought + part * (brought - state.brought),
            state.taken + part * (taken - state.taken),
        )
        if after.missed(*lines) < missed:
            return after
        part /= 2
    return None
