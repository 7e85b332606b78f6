"""Voltages across the cells on channels' own bit lines for any input: every bit line is a ladder of its own.

A cell sees u = x w - f b: for the input x of its word line, of which w is left, and the rise b of its bit line. f is
less than 1 because the current that a risen bit line keeps back lets the word line rise. The other bit lines rise as
well: f counts them by how far they do with every input on, for which u is exact. With f known a bit line is one
tridiagonal system for b, of cells f g and currents g w x into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.crossbar import Floats, Wires
from circuits.terminals import reading
from crossbar.adjoint import Ints, Readout, TileVoltages
from crossbar.conjugate import Line, bit_pivots, bit_voltages, word_pivots
from crossbar.edges import edges


@dataclass(frozen=True, eq=False)
class OwnCells:
    """The cells on the bit lines that channels add, and after them on those that they subtract.

    A channel's variance is a quadratic form of its input: the sum over its cells of a weight times u squared.

    Args:
        rows: word line of each input, shape (inputs,).
        sides: bit lines of a channel, 1 or 2.
        weight: of the squares, shape (m, bit lines).
        left: w, likewise.
        share: f, likewise.
        into: current (A) into the bit line for an input of 1, likewise.
        line: the bit lines' systems.
    """

    rows: Ints
    sides: int
    weight: Floats
    left: Floats
    share: Floats
    into: Floats
    line: Line

    @classmethod
    def of(cls, g: Floats, volts: TileVoltages, weight: Floats, wires: Wires, readout: Readout) -> OwnCells:
        """Of a tile of conductances g (S), shape (m, n); the weights are of `readout.lines`."""
        own, left, rise, bit = (np.take(each, readout.lines, 1) for each in (g, volts.left, volts.rise, volts.bit))
        share = np.clip(np.divide(rise, bit, out=np.zeros_like(bit), where=bit > 0), 0.0, 1.0)
        _, edge = edges(wires, reading(np.zeros(len(g)), own.shape[1]))
        line = bit_pivots(share * own, edge.wire, edge.first, edge.last)
        return cls(readout.rows, 1 if readout.minus is None else 2, weight, left, share, own * left, line)

    def product(self, x: Floats) -> Floats:
        """Each channel's form times x[input, channel]; the sum of x times that is the variance."""
        on_lines = np.zeros(self.weight.shape)
        on_lines[self.rows] = np.concatenate([x] * self.sides, axis=1)
        weighed = self.weight * (self.left * on_lines - self.share * self._rise(self.into * on_lines))
        return self._channels(self.left * weighed - self.into * self._rise(self.share * weighed))

    def diagonal(self) -> Floats:
        """Of the forms, shape (inputs, channels)."""
        itself = at_itself(self.line)
        alone = self.weight * self.left * (self.left - 2 * self.share * itself * self.into)
        return self._channels(alone + self.into**2 * _squares(self.line, itself, self.weight * self.share**2))

    def _rise(self, current: Floats) -> Floats:
        """Of the bit lines (V), by currents (A) into their nodes."""
        volts = np.empty_like(current)
        bit_voltages(current, self.line, volts)
        return volts

    def _channels(self, lines: Floats) -> Floats:
        """Of the inputs and channels, what word lines and bit lines have."""
        used = lines[self.rows]
        return np.asarray(used.reshape(len(used), self.sides, -1).sum(axis=1))


def seen_alone(g: Floats, wires: Wires) -> Floats:
    """Share of a cell's bit-line voltage that is across the cell, shape (m, n), with all other lines' ends at 0 V.

    The other bit lines are without resistance; the rest is what the word line rises by.
    """
    word, _ = edges(wires, reading(np.zeros(len(g)), g.shape[1]))
    line = word_pivots(g, word.wire, word.first, word.last)
    return np.asarray(1 - g * at_itself(Line(line.inverse.T, line.onward.T, line.ladder)).T)


def at_itself(line: Line) -> Floats:
    """Voltage (V) of each node of bit lines for 1 A into it, shape (m, n).

    The diagonal of the inverse of a tridiagonal matrix, from its elimination.
    """
    found = line.inverse.copy()
    if line.ladder:
        for i in range(len(found) - 2, -1, -1):
            found[i] += line.onward[i] ** 2 * found[i + 1]
    return found


def _squares(line: Line, itself: Floats, weight: Floats) -> Floats:
    """Weighed sum over a bit line's nodes of the square of their voltages for 1 A into each node, shape (m, n).

    On either side of that node voltages fall by the factors of the elimination.
    """
    if not line.ladder:
        return np.asarray(itself**2 * weight.sum(axis=0))
    falls = line.onward**2
    before, after = np.zeros_like(weight), np.zeros_like(weight)
    for i in range(1, len(weight)):
        before[i] = falls[i - 1] * (weight[i - 1] + before[i - 1])
    for i in range(len(weight) - 2, -1, -1):
        after[i] = falls[i] * (weight[i + 1] * itself[i + 1] ** 2 + after[i + 1])
    return np.asarray(itself**2 * (weight + before) + after)
