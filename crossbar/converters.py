"""Input planes and analog-to-digital conversion at speed; `circuits.converters` is the slow twin and the definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from crossbar.patterns import Patterns

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]
Reals = Singles | Floats

# Inputs are worked on in blocks of exactly this many, the last one padded with zeros: a matrix product of another size
# may round otherwise, and an input's noiseless result shall not depend on its neighbours. It holds at the same place in
# a block: at another one single precision may round the last bit otherwise, which moves a code that was undecided
BLOCK = 256


def blocks(batch: int) -> Iterator[slice]:
    """The inputs of each block."""
    for start in range(0, batch, BLOCK):
        yield slice(start, min(start + BLOCK, batch))


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs of a tile and their planes, for every tile that takes the same inputs.

    Args:
        x: unsigned integers, shape (batch, rows).
        count: planes of an input.
        each: bits of a plane.
    """

    x: Ints
    count: int
    each: int

    @cached_property
    def digits(self) -> tuple[Singles, Floats]:
        """Planes as ideal DACs drive them, shape (blocks, count, BLOCK, rows), and the sum of each row's squares."""
        return self._spread(None)

    @cached_property
    def patterns(self) -> Patterns:
        """Of `digits` that are bits."""
        return Patterns.of(self.x, self.count)

    def levels(self, table: Reals) -> tuple[Reals, Floats]:
        """`digits` where row i is driven with table[i, digit] for a digit, in the table's precision."""
        return self._spread(table)

    def _spread(self, table: Reals | None) -> tuple[Any, Floats]:
        batch, rows = self.x.shape
        parts = list(blocks(batch))
        planes = np.empty((len(parts), self.count, BLOCK, rows), dtype=np.float32 if table is None else table.dtype)
        squares = np.zeros(rows)
        for part, own in zip(parts, planes, strict=True):
            if table is None:
                spread_digits(self.x[part], self.each, own, squares)
            else:
                spread_levels(self.x[part], self.each, table, own, squares)
        return planes, squares


@njit(cache=True, nogil=True)
def spread_digits(x: Ints, each: int, planes: Singles, squares: Floats) -> None:
    """Fill planes[p, batch, rows] with digit p, of `each` bits, of x[batch, rows]; further rows of the batch become 0.

    The squares of what each row is driven with are added to squares[rows].
    """
    batch, rows = x.shape
    mask = np.int32((1 << each) - 1)
    narrow = x.astype(np.int32)  # twice as many lanes as int64
    for p in range(planes.shape[0]):
        shift = np.int32(p * each)
        plane = planes[p]
        total = np.zeros(rows, dtype=np.float64)
        for k in range(batch):
            for i in range(rows):
                plane[k, i] = np.float32((narrow[k, i] >> shift) & mask)
        for k in range(batch):
            for i in range(rows):
                total[i] += plane[k, i] * plane[k, i]
        plane[batch:] = np.float32(0.0)
        for i in range(rows):
            squares[i] += total[i]


@njit(cache=True, nogil=True)
def spread_levels(x: Ints, each: int, table: Reals, planes: Reals, squares: Floats) -> None:
    """`spread_digits` where row i drives table[i, digit] for a digit."""
    batch, rows = x.shape
    mask = (1 << each) - 1
    for p in range(planes.shape[0]):
        for k in range(batch):
            for i in range(rows):
                level = table[i, (x[k, i] >> (p * each)) & mask]
                squares[i] += np.float64(level) * level
                planes[p, k, i] = level
        planes[p, batch:] = 0.0


@njit(cache=True, nogil=True)
def convert(
    level: Reals, variance: Reals, scores: Singles, offset: Reals, low: int, high: int, each: int, codes: Ints
) -> int:
    """Convert in uniform steps, shift and add.

    Args:
        level: noiseless levels in LSB, shape (planes, batch or more, channels), in either precision.
        variance: of the noise in LSB squared, shape (planes, batch or more, channels).
        scores: standard normal, shape (planes, batch, channels); with no planes there is no noise.
        offset: of each channel's converter in LSB, shape (channels,).
        low: the least code.
        high: the largest.
        each: bits of a plane.
        codes: shape (batch, channels); gets the sum over planes p of code times 2^(each p).

    Returns:
        How many conversions saturated.
    """
    saturated = 0
    batch, channels = codes.shape
    bottom, top = level.dtype.type(low), level.dtype.type(high)
    noisy = scores.shape[0] > 0
    total = np.empty(channels, dtype=np.int32)  # 12 bits of 16 planes go up to 2^28
    z = np.empty(channels, dtype=level.dtype)
    for k in range(batch):
        total[:] = 0
        for p in range(level.shape[0]):
            shift = np.int32(p * each)
            for j in range(channels):
                z[j] = level[p, k, j] + offset[j]
            if noisy:
                for j in range(channels):
                    z[j] += np.sqrt(variance[p, k, j]) * scores[p, k, j]
            beyond = np.int32(0)
            for j in range(channels):
                nearest = np.rint(z[j])
                kept = min(max(nearest, bottom), top)
                beyond += np.int32(nearest != kept)
                total[j] += np.int32(kept) << shift
            saturated += int(beyond)
        for j in range(channels):
            codes[k, j] = total[j]
    return saturated


@njit(cache=True, nogil=True)
def convert_steps(
    level: Reals,
    variance: Reals,
    scores: Singles,
    offset: Reals,
    thresholds: Reals,
    low: int,
    each: int,
    codes: Ints,
) -> int:
    """`convert` in steps at thresholds[channels, steps] (LSB), rising."""
    saturated = 0
    batch, channels = codes.shape
    steps = thresholds.shape[1]
    for k in range(batch):
        for j in range(channels):
            codes[k, j] = 0
        for p in range(level.shape[0]):
            for j in range(channels):
                z = level[p, k, j] + offset[j]
                if scores.shape[0] > 0:
                    z += np.sqrt(variance[p, k, j]) * scores[p, k, j]
                nearest = np.rint(z) - low
                saturated += nearest < 0 or nearest > steps
                step = np.int64(min(max(nearest, level.dtype.type(0)), level.dtype.type(steps)))
                while step < steps and z >= thresholds[j, step]:
                    step += 1
                while step > 0 and z < thresholds[j, step - 1]:
                    step -= 1
                codes[k, j] += (low + step) << (p * each)
    return saturated
