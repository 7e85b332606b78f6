"""Bit planes and analog-to-digital conversion at speed; `circuits.converters` is the slow twin and the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Ints = np.ndarray[Any, np.dtype[np.int64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]


@njit(cache=True)
def spread_bits(x: Ints, planes: Singles) -> None:
    """Fill planes[p, batch, rows] with bit p of x[batch, rows]; further rows of the batch become 0."""
    batch, rows = x.shape
    for p in range(planes.shape[0]):
        for k in range(planes.shape[1]):
            if k >= batch:
                planes[p, k] = 0.0
                continue
            for i in range(rows):
                planes[p, k, i] = np.float32((x[k, i] >> p) & 1)


@njit(cache=True)
def convert(level: Singles, variance: Singles, scores: Singles, offset: Singles, limit: int, codes: Ints) -> int:
    """Convert, shift and add.

    Args:
        level: noiseless levels in LSB, shape (planes, batch or more, cols).
        variance: of the noise in LSB squared, shaped as `level`.
        scores: standard normal, shape (planes, batch, cols); with no planes there is no noise.
        offset: of each column's converter in LSB, shape (cols,).
        limit: the largest code.
        codes: shape (batch, cols); gets the sum over planes p of code times 2^p.

    Returns:
        How many conversions saturated.
    """
    saturated = 0
    batch, cols = codes.shape
    top = np.float32(limit)
    for k in range(batch):
        for j in range(cols):
            codes[k, j] = 0
        for p in range(level.shape[0]):
            for j in range(cols):
                z = level[p, k, j] + offset[j]
                if scores.shape[0] > 0:
                    z += np.sqrt(variance[p, k, j]) * scores[p, k, j]
                nearest = np.rint(z)
                kept = min(max(nearest, -top), top)
                saturated += nearest != kept
                codes[k, j] += np.int64(kept) << p
    return saturated
