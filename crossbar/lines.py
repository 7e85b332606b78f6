"""A crossbar's lines with whatever holds their ends: node voltages and currents, for any wires, one vector at a time.

This is the general solver: both ends of every line may be driven, sensed or open, and wires may have no resistance.
Many vectors of the usual read are `crossbar.solve`'s, which is faster there.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires, checked_conductances
from circuits.terminals import Terminals
from crossbar.conjugate import (
    Line,
    bit_pivots,
    bit_voltages,
    carried,
    conjugate,
    missed,
    stabilised,
    word_pivots,
    word_voltages,
)
from crossbar.edges import Edge, edges
from crossbar.nodal import Factorised
from crossbar.nodes import ROUNDING, Nodes, joined
from crossbar.tangent import bit_line_corrections

Floats = np.ndarray[Any, np.dtype[np.float64]]

TOLERANCE = 1e-9
"""Bound on the summed error of a vector's currents, over the largest current of a bit line's end."""

SHARE = 0.9
"""Of the tolerance, what iterations may leave; the rest is rounding's."""


@dataclass(frozen=True)
class LineSystem:
    """The linear system of a crossbar's voltages, ready to be solved for any currents.

    Args:
        by_word: change of each cell's current with its word line's voltage (S), shape (m, n).
        by_bit: minus its change with its bit line's; the same array where cells are conductances.
        word: the word lines.
        bit: the bit lines.
    """

    by_word: Floats
    by_bit: Floats
    word: Edge
    bit: Edge

    @cached_property
    def _word(self) -> Line:
        return word_pivots(self.by_word, self.word.wire, self.word.first, self.word.last)

    @cached_property
    def _bit(self) -> Line:
        return bit_pivots(self.by_bit, self.bit.wire, self.bit.first, self.bit.last)

    def correction(self, drawn: Floats, given: Floats, through: Floats, tolerance: float, floor: float) -> Correction:
        """What makes up for currents that nodes miss.

        Args:
            drawn: current (A) that each cell takes off its word line beyond what the wires bring, shape (m, n).
            given: current (A) that it gives to its bit line beyond what the wires take, shape (m, n).
            through: current (A) along each bit line without it, shape (n,).
            tolerance: bound on the summed error of the currents, over the largest of a bit line's end.
            floor: bound (A) below which rounding leaves nothing to gain.
        """
        word = np.empty_like(drawn)
        word_voltages(-drawn, self._word, word)
        left = given + self.by_word * word
        most = most_iterations((drawn.shape[0], drawn.shape[1]))
        lines = (self._word, self._bit, self.bit.free)
        if self.by_word is self.by_bit:
            first, last = (np.where(np.isfinite(tie), tie, 0.0) for tie in (self.bit.first, self.bit.last))
            bit, bound, done, met = conjugate(self.by_word, *lines, left, through, first, last, tolerance, floor, most)
        else:
            bit, bound, done, met = stabilised(self.by_word, self.by_bit, *lines, left, floor, most)
        word_voltages(self.by_bit * bit - drawn, self._word, word)
        return Correction(word, bit, left, bound, done, met)

    def factorised(self, drawn: Floats, given: Floats) -> Correction:
        """The same by a sparse factorisation, for where the iterations do not converge.

        Each bit line is solved once more for the currents that the factorisation's voltages make word lines give it,
        so that here too no wire's conductance multiplies a voltage.
        """
        word_line, bit_line = ((edge.wire, edge.first, edge.last) for edge in (self.word, self.bit))
        near = bit_line_corrections(self.by_word, self.by_bit, word_line, bit_line, drawn, given)
        word, bit = np.empty_like(drawn), np.empty_like(drawn)
        word_voltages(self.by_bit * near - drawn, self._word, word)
        bit_voltages(given + self.by_word * word, self._bit, bit)
        word_voltages(self.by_bit * (bit - near), self._word, word)
        left = self.by_word * word
        bound = missed(left, self._bit, self.bit.free)
        word_voltages(self.by_bit * bit - drawn, self._word, word)
        return Correction(word, bit, left, bound, 0, met=True)


@dataclass(frozen=True)
class Correction:
    """Changes of voltages that a linear system asks for.

    Attributes:
        word: of the word lines' nodes (V), shape (m, n).
        bit: of the bit lines' (V), shape (m, n).
        left: current (A) that bit-line nodes still miss, shape (m, n).
        bound: on the summed error of the currents of all ends (A), rounding aside.
        iterations: done.
        met: whether they reached the tolerance.
    """

    word: Floats
    bit: Floats
    left: Floats
    bound: float
    iterations: int
    met: bool


def most_iterations(shape: tuple[int, int]) -> int:
    """Iterations that are worth it before a sparse factorisation is."""
    return 20 * sum(shape) + 100


def solve_lines(g: Any, wires: Wires, terminals: Terminals, tolerance: float = TOLERANCE) -> Nodes:
    """Every node of the crossbar of linear cells g[word_line, bit_line] (S).

    Conjugate gradients, and where those do not reach the tolerance a sparse factorisation, if that has a lower bound.

    Raises:
        ConfigError: g is no array of conductances, or `terminals` are another array's, or a line without resistance
            is held at both ends.
    """
    g = checked_conductances(g)
    if terminals.shape != g.shape:
        raise ConfigError(f"the terminals are those of {terminals.shape} lines; g has {g.shape}")
    return joined(list(solve_apart(g, wires, terminals, tolerance)))


def solve_apart(
    g: Floats, wires: Wires, terminals: Terminals, tolerance: float = TOLERANCE, threads: int = 1
) -> Iterator[Nodes]:
    """The same a vector at a time, for whoever has no room for the nodes of all.

    Args:
        g: cell conductances (S), shape (m, n), checked already.
        wires: resistances of the lines.
        terminals: what holds their ends.
        tolerance: bound on the summed error of a vector's currents, over the largest current of a bit line's end.
        threads: that work on vectors; no result depends on it.
    """
    if not terminals.batch:
        return
    lines = _Linear(LineSystem(g, g, *edges(wires, terminals)), wires, terminals, tolerance)
    if threads == 1:
        yield from map(lines.vector, range(terminals.batch))
        return
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, terminals.batch, threads):
            yield from pool.map(lines.vector, range(start, min(start + threads, terminals.batch)))


@dataclass(frozen=True)
class _Linear:
    """Linear cells, and what their vectors share."""

    system: LineSystem
    wires: Wires
    terminals: Terminals
    tolerance: float

    @cached_property
    def _factorised(self) -> Factorised:
        return Factorised(self.system.by_word, self.wires, self.terminals)

    def vector(self, k: int) -> Nodes:
        """The nodes for vector k."""
        ends = self.terminals.vector(k)
        found, met = _vector(self.system, ends, self.tolerance)
        if met or _least(self.system, found) >= found.bound[0]:
            return found
        direct = self._factorised.solve(ends)
        return direct if direct.bound[0] < found.bound[0] else found


def _vector(system: LineSystem, ends: Terminals, tolerance: float) -> tuple[Nodes, bool]:
    """The nodes for one vector, and whether the tolerance was reached."""
    g, word, bit = system.by_word, system.word, system.bit
    w, w_through = word.alone(ends.wl_first[0], ends.wl_last[0], g.shape[1])
    b, b_through = bit.alone(ends.bl_first[0], ends.bl_last[0], g.shape[0])
    b = b.T
    alone = g * (w - b)
    change = system.correction(alone, alone, b_through, SHARE * tolerance, ROUNDING * float(np.abs(alone).sum()))
    cells, sizes = carried(g, w, b, change.word, change.bit)
    return nodes(system, (w, b), (w_through, b_through), change, cells, sizes), change.met


def _least(system: LineSystem, found: Nodes) -> float:
    """What rounding would leave (A) of a factorisation, which multiplies voltages by wires' conductances."""
    word, bit = np.abs(found.word[0]), np.abs(found.bit[0])
    at_word, at_bit = (4 * edge.wire if np.isfinite(edge.wire) else 0.0 for edge in (system.word, system.bit))
    return ROUNDING * float(2 * np.sum(system.by_word * (word + bit)) + at_word * word.sum() + at_bit * bit.sum())


def nodes(
    system: LineSystem,
    alone: tuple[Floats, Floats],
    through: tuple[Floats, Floats],
    change: Correction,
    cells: Floats,
    sizes: float,
) -> Nodes:
    """One vector's solution.

    Args:
        system: the lines.
        alone: voltages (V) of the word lines and the bit lines without cells, shape (m, n) each.
        through: currents (A) along them without cells, shapes (m,) and (n,).
        change: of the voltages, by the cells.
        cells: their currents (A), shape (m, n).
        sizes: sum of the terms (A) that these were found from, |.| each.
    """
    word, bit = change.word, change.bit
    i_wl = end_currents(system.word, word[:, 0], word[:, -1], through[0], cells.sum(axis=1))
    i_bl = end_currents(system.bit, bit[0], bit[-1], through[1], -cells.sum(axis=0))
    return Nodes(
        word=(alone[0] + word)[None],
        bit=(alone[1] + bit)[None],
        i_wl_first=i_wl[0][None],
        i_wl_last=-i_wl[1][None],
        i_bl_first=-i_bl[0][None],
        i_bl_last=i_bl[1][None],
        bound=np.array([change.bound + ROUNDING * (sizes + sum(float(np.abs(i).sum()) for i in through))]),
        iterations=change.iterations,
    )


def end_currents(edge: Edge, first: Floats, last: Floats, through: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Currents (A) along the lines' direction: in at their first ends, out at their last, each shape (lines,).

    Where one end is tied, its current is what the cells draw; where both are, each follows from its correction.

    Args:
        edge: the lines.
        first: correction (V) of the first node.
        last: of the last.
        through: current (A) without cells.
        drawn: what the cells take out of each line (A).
    """
    at_first, at_last = np.isfinite(edge.first), np.isfinite(edge.last)
    inward = through - np.where(at_first, edge.first, 0.0) * first
    outward = through + np.where(at_last, edge.last, 0.0) * last
    inward = np.where(edge.last == 0, np.where(edge.first == 0, 0.0, drawn), inward)
    outward = np.where(edge.first == 0, np.where(edge.last == 0, 0.0, -drawn), outward)
    return inward, outward
