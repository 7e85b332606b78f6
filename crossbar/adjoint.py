"""What a small change of a cell does to a tile's outputs: first order, by the adjoint network.

A crossbar of linear cells is reciprocal. With u the voltage across a cell under the drive, and a that across the same
cell when 1 V is put at a sense input and every other end is at 0 V, a change dg of the cell's conductance changes the
current into that sense input by dg * u * a (the adjoint network of Director and Rohrer, IEEE Trans. Circuit Theory
16(3), 318, 1969). A channel of a tile is a bit line or the difference of two, so its adjoint network has +1 V at one
and -1 V at the other: one solution a channel, which holds what the two share through the word lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.crossbar import Floats, Wires
from circuits.terminals import OPEN, Terminals, reading
from crossbar.lines import solve_lines

Ints = np.ndarray[Any, np.dtype[np.int64]]

TOLERANCE = 1e-6
"""Of the adjoint solutions, which a spread is made of: far below what first order leaves."""


@dataclass(frozen=True, eq=False)
class Readout:
    """What of a tile is in use.

    Args:
        rows: word line of each input, shape (inputs,).
        plus: bit line that each channel adds, shape (channels,).
        minus: bit line that it subtracts, likewise; None where channels are single bit lines.
    """

    rows: Ints
    plus: Ints
    minus: Ints | None = None

    @classmethod
    def pairs(cls, rows: int, outputs: int) -> Readout:
        """The first word lines, and differences of the first neighbouring bit lines."""
        each = np.arange(outputs)
        return cls(np.arange(rows), 2 * each, 2 * each + 1)

    @property
    def lines(self) -> Ints:
        """Bit lines that channels add, and after them those that they subtract."""
        return self.plus if self.minus is None else np.concatenate([self.plus, self.minus])

    def difference(self, bit_lines: Floats) -> Floats:
        """Of each channel, from what bit lines have in the last axis."""
        plus = bit_lines[..., self.plus]
        return plus if self.minus is None else plus - bit_lines[..., self.minus]

    def total(self, bit_lines: Floats) -> Floats:
        """Sum over the bit lines of each channel, of what they have in the last axis."""
        plus = bit_lines[..., self.plus]
        return plus if self.minus is None else plus + bit_lines[..., self.minus]


def driven_cells(g: Floats, v: Floats, wires: Wires) -> Floats:
    """Voltage (V) across every cell, word line to bit line, shape (m, n), of g (S) read with v[word_line] (V)."""
    nodes = solve_lines(g, wires, reading(v, g.shape[1]), TOLERANCE)
    return np.asarray(nodes.word[0] - nodes.bit[0])


@dataclass(frozen=True, eq=False)
class TileVoltages:
    """Voltages in a tile that those of any input are made of, shape (m, n) each.

    Attributes:
        left: of 1 V on each word line, without resistance in the bit lines.
        rise: what cells lack of it with 1 V on the word lines in use: the rise of bit lines, as cells see it.
        bit: how far bit lines rise then.
    """

    left: Floats
    rise: Floats
    bit: Floats


def cell_voltages(g: Floats, rows: Ints, wires: Wires) -> TileVoltages:
    """Of conductances g (S), shape (m, n), with word lines `rows` in use.

    What is left is also what a word line by itself leaves, but for the rise that its own current makes. For a mean
    input s the rise is about s times the one here.
    """
    on = np.zeros(len(g))
    on[rows] = 1.0
    nodes = solve_lines(g, wires, reading(on, g.shape[1]), TOLERANCE)
    left = driven_cells(g, np.ones(len(g)), Wires(wires.r_wire_wl, 0.0, wires.r_driver, 0.0))
    return TileVoltages(left, left * on[:, None] - (nodes.word[0] - nodes.bit[0]), nodes.bit[0])


def sensitivities(g: Floats, wires: Wires, readout: Readout, settled: Floats | float = 1.0) -> Iterator[Floats]:
    """Adjoint voltage (1) across every cell, bit line to word line, shape (m, n), of each channel in turn.

    All of them at once would be channels x m x n. A channel may take only a share `settled` of each bit line's current,
    shape (n,).
    """
    m, n = g.shape
    share = np.broadcast_to(settled, n)
    for channel, plus in enumerate(readout.plus):
        volts = np.zeros((1, n))
        volts[0, plus] = share[plus]
        if readout.minus is not None:
            minus = readout.minus[channel]
            volts[0, minus] -= share[minus]
        ends = Terminals(np.zeros((1, m)), np.full((1, m), OPEN), np.full((1, n), OPEN), volts)
        nodes = solve_lines(g, wires, ends, TOLERANCE)
        yield np.asarray(nodes.bit[0] - nodes.word[0])
