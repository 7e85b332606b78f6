"""Random telegraph noise in a tile: each trap's state in time, and what changed cells do to the outputs.

States are drawn from the stationary distribution once a chip and then follow the exact transition probabilities of the
two-state Markov process (Machlup, J. Appl. Phys. 25, 341, 1954) over the time from one access to the next. The tile's
matrix is solved for the states at some moment. What has changed since is corrected to first order: a change of cell
(i, j) moves entry (i, j) of the effective matrix by its own share, and the little that it does to other entries through
the wires is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from circuits.crossbar import Floats, Wires
from circuits.telegraph import Telegraph
from crossbar.adjoint import Ints, Readout, cell_voltages
from crossbar.solve import solve

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Singles = np.ndarray[Any, np.dtype[np.float32]]

FROZEN = 0.01
"""Share of a trap's memory that a product may outlast with its planes still taken in one state."""


@dataclass(eq=False)
class TelegraphCells:
    """The cells of a tile that have a trap.

    Attributes:
        noise: what is known of the traps.
        word: word line of each, shape (cells,).
        bit: bit line of each, likewise.
        g: mean conductances (S), shape (m, n).
        swing: conductance with the trap empty less that with it filled (S), shape (cells,).
        filled: states now, shape (cells,).
    """

    noise: Telegraph
    word: Ints
    bit: Ints
    g: Floats
    swing: Floats
    filled: Flags

    @classmethod
    def draw(cls, noise: Telegraph, g: Floats, good: Flags, rng: np.random.Generator) -> TelegraphCells:
        """Traps in a tile of mean conductances `g` (S), in states as they are at any time; none in cells not `good`.

        Whole tiles are drawn, so that whether a cell has a trap does not depend on the others.
        """
        drawn, states = rng.random((2, *g.shape))
        chosen = good & np.less(drawn, noise.share)
        word, bit = np.nonzero(chosen)
        return cls(noise, word, bit, g, (g * noise.relative(g))[chosen], np.less(states[chosen], noise.filled))

    def conductances(self, filled: Flags) -> Floats:
        """Those of the whole tile (S), shape (m, n), with traps in the states `filled`."""
        g = self.g.copy()
        g[self.word, self.bit] += self.swing * (self.noise.filled - filled)
        return g

    def follow(self, gaps: Floats, rng: np.random.Generator) -> Flags:
        """States at moments `gaps` (s) after each other, shape (moments, cells); the last becomes the state now.

        `rng` gives one number a trap and moment.
        """
        lost = -np.expm1(-self.noise.rate * gaps)  # of a slow trap as little as 1e-9: 1 in single precision
        drawn = rng.random((len(gaps), self.word.size))
        states: Flags = _follow(self.filled, drawn, self.noise.filled, lost)
        if len(states):
            self.filled = states[-1].copy()
        return states

    def products(self, count: int, planes: int, length: float, rng: np.random.Generator) -> Flags:
        """States during the next `count` products, for `Correction.add`: shape (count, 1 or planes, cells).

        Planes of a product share a state where the product is much shorter than the traps' memory.

        Args:
            count: products.
            planes: of each, evenly over its length.
            length: of a product (s).
            rng: draws.
        """
        gap = length if self.noise.interval is None else self.noise.interval
        moments = 1 if self.noise.rate * length <= FROZEN else planes
        gaps = np.full((count, moments), length / moments)
        gaps[:, 0] += gap - length
        return self.follow(np.maximum(gaps, 0.0).ravel(), rng).reshape(count, moments, -1)


@dataclass(frozen=True, eq=False)
class Correction:
    """What traps that changed since the matrix was solved do to the channels.

    Entry e is a trap in a bit line of a channel; one in a shared reference bit line is in many entries.

    Attributes:
        base: states that the matrix holds, shape (cells,).
        cells: the trap of each entry, shape (entries,).
        inputs: the input of its word line, likewise.
        channels: the channel, likewise.
        step: change of the channel for an input of 1 as the trap fills, in output units, likewise.
        rise: inputs of its own word line that a mean input of 1 takes off, likewise: bit lines rise on a word line
            at 0 too.
    """

    base: Flags
    cells: Ints
    inputs: Ints
    channels: Ints
    step: Singles
    rise: Singles

    def add(self, level: Singles, planes: Singles, states: Flags) -> None:
        """Bring levels[planes, batch, channels] of inputs planes[planes, batch, inputs] to the traps' states.

        Args:
            level: changed in place.
            planes: inputs, in units of the drive that `step` is of.
            states: shape (batch, 1, cells) where they last a product, else (batch, planes, cells).
        """
        step = np.where(self.base[self.cells], -self.step, self.step)
        _add(level, planes, states, self.base, self.cells, self.inputs, self.channels, step, self.rise)


def correction(
    traps: TelegraphCells, matrix: Floats, base: Flags, wires: Wires, readout: Readout, gains: Floats | float = 1.0
) -> Correction:
    """First-order corrections of channels.

    Args:
        traps: of the tile.
        matrix: effective matrix (S) with the traps in states `base`, shape (m, n).
        base: shape (cells,).
        wires: resistances of the lines.
        readout: what is in use.
        gains: outputs of a current of 1 A for a drive of 1 V, of each channel, shape (channels,).

    Returns:
        The corrections, for inputs in V.
    """
    gains = np.broadcast_to(gains, readout.plus.shape)
    g = traps.conductances(base)
    volts = cell_voltages(g, readout.rows, wires)
    place = np.full(len(g), -1)
    place[readout.rows] = np.arange(len(readout.rows))
    parts = [_entries(traps, place, readout.plus, 1.0)]
    if readout.minus is not None:
        parts.append(_entries(traps, place, readout.minus, -1.0))
    cells, channels, sign = (np.concatenate(each) for each in zip(*parts, strict=True))
    word, bit = traps.word[cells], traps.bit[cells]
    at = g[word, bit]
    # the effective conductance over g is the product of both voltages' shares
    seen = np.divide(matrix[word, bit], at, out=np.zeros(len(at)), where=at > 0)
    step = -traps.swing[cells] * seen * gains[channels] * sign
    share = volts.rise[word, bit] / volts.left[word, bit]
    return Correction(base, cells, place[word], channels, step.astype(np.float32), share.astype(np.float32))


def _entries(traps: TelegraphCells, place: Ints, lines: Ints, sign: float) -> tuple[Ints, Ints, Floats]:
    """Traps on the bit lines of channels: trap, channel, and the sign that the bit line has in it."""
    channels, cells = np.nonzero((traps.bit == lines[:, None]) & (place[traps.word] >= 0))
    return cells, channels, np.full(len(cells), sign)


def first_order_error(
    traps: TelegraphCells, matrix: Floats, base: Flags, wires: Wires, readout: Readout, largest_digit: int = 1
) -> float:
    """What first order misses of the change since `base`: the largest of any channel's current.

    It is relative to the largest current of a bit line, and against exact solutions with the traps as they are now: of
    every input at the drivers' largest digit, and of inputs that go through all the digits from 0 on.
    """
    count = len(readout.rows)
    digits = np.stack([np.full(count, largest_digit), np.arange(count) % (largest_digit + 1)])
    v = np.zeros((2, len(matrix)))
    v[:, readout.rows] = digits
    ohms = (wires.r_wire_wl, wires.r_wire_bl, wires.r_driver, wires.r_sink)
    exact = solve(traps.conductances(traps.filled), v, *ohms, 1e-6)
    level = readout.difference(v @ matrix)[:, None].astype(np.float32)
    planes = digits[:, None].astype(np.float32)
    correction(traps, matrix, base, wires, readout).add(level, planes, traps.filled[None, None])
    missed, largest = np.max(np.abs(level[:, 0] - readout.difference(exact))), np.max(np.abs(exact))
    return float(missed / largest) if largest > 0 else 0.0


@njit(cache=True)
def _follow(filled: Flags, drawn: Floats, share: float, lost: Floats) -> Flags:
    """States after each of drawn.shape[0] gaps, over which `lost` of the memory goes."""
    count, cells = drawn.shape
    states = np.empty((count, cells), dtype=np.bool_)
    now = filled.copy()
    for k in range(count):
        fills, empties = share * lost[k], (1 - share) * lost[k]
        for c in range(cells):
            if drawn[k, c] < (empties if now[c] else fills):
                now[c] = not now[c]
            states[k, c] = now[c]
    return states


@njit(cache=True)
def _add(
    level: Singles,
    planes: Singles,
    states: Flags,
    base: Flags,
    cells: Ints,
    inputs: Ints,
    channels: Ints,
    step: Singles,
    rise: Singles,
) -> None:
    batch, moments, _ = states.shape
    changed = np.empty(cells.size, dtype=np.int64)
    for k in range(batch):
        count = 0
        for p in range(planes.shape[0]):
            if p < moments:
                count = 0
                for e in range(cells.size):
                    if states[k, p, cells[e]] != base[cells[e]]:
                        changed[count] = e
                        count += 1
            mean = np.float32(planes[p, k].sum() / planes.shape[2])
            for at in range(count):
                e = changed[at]
                level[p, k, channels[e]] += step[e] * (planes[p, k, inputs[e]] - mean * rise[e])
