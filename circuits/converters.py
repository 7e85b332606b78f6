"""What converters do, in plain numpy: the semantics that every array of whatever speed must show.

Inputs are given in planes: plane p drives each word line with digit p of its unsigned input, least significant plane
first; a digit has the bits of the DAC, one by default (bit-serial). The converter is a uniform mid-tread quantiser:
code k stands for k LSB, zero is a code, and full scale is the largest code. Where a channel is the difference of two
bit lines the code is signed, full scale is 2^(bits - 1) - 1, and the scale is symmetric, so that the most negative
two's-complement code is unused; where it is one bit line, codes go from 0 to 2^bits - 1. Ties go to the even code.
What lies beyond the last code's half LSB saturates and is counted. The codes of the planes are shifted and added.

A converter that is not ideal has a gain, an offset and a table of the levels at which its code changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def largest_code(bits: int) -> int:
    """The code of full scale of a signed converter."""
    return int(2 ** (bits - 1) - 1)


def code_limits(bits: int, *, signed: bool = True) -> tuple[int, int]:
    """The least and the largest code."""
    return (-largest_code(bits), largest_code(bits)) if signed else (0, 2**bits - 1)


def unsigned_inputs(x: Any, rows: int, bits: int) -> Ints:
    """Inputs x[batch, rows] as integers.

    Raises:
        ConfigError: another shape, no integers, or beyond `bits`.
    """
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != rows or x.dtype.kind not in "iu":
        raise ConfigError(f"x is {x.dtype} of shape {x.shape}; this array takes integers of shape (batch, {rows})")
    if x.size and (x.min() < 0 or x.max() >= 2**bits):
        raise ConfigError(f"x spans {x.min()} to {x.max()}; inputs have {bits} bits, unsigned")
    return np.asarray(x, dtype=np.int64)


def bit_planes(x: Ints, bits: int, each: int = 1) -> Ints:
    """Digits of `each` bits of unsigned x[batch, rows]: planes[p, batch, rows], the least significant first."""
    return np.stack([(x >> p) & (2**each - 1) for p in range(0, bits, each)])


def quantise(levels: Floats, bits: int, *, signed: bool = True) -> tuple[Ints, int]:
    """Codes of levels given in LSB (any shape), and how many saturated."""
    low, high = code_limits(bits, signed=signed)
    nearest = np.rint(levels)
    return np.clip(nearest, low, high).astype(np.int64), int(np.count_nonzero((nearest > high) | (nearest < low)))


def shift_add(codes: Ints, each: int = 1) -> Ints:
    """Sum over planes p of codes[p, ...] times 2^(each p)."""
    weights = 2 ** (each * np.arange(codes.shape[0], dtype=np.int64))
    return np.asarray(np.tensordot(weights, codes, axes=1), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Converter:
    """The converters of a tile as its channels meet them.

    Args:
        low: the least code.
        high: the largest.
        gain: of each channel's converter, 1 ideally, shape (channels,).
        offset: what it adds to a level, in LSB, shape (channels,).
        thresholds: levels (LSB) from which on its code is low + 1, low + 2, ... high, rising, shape (channels,
            high - low); None for uniform steps.
    """

    low: int
    high: int
    gain: Floats
    offset: Floats
    thresholds: Floats | None = None

    def codes(self, levels: Floats) -> tuple[Ints, int]:
        """Codes of levels[..., channels] (LSB), and how many saturated."""
        z = levels * self.gain + self.offset
        nearest = np.rint(z)
        saturated = int(np.count_nonzero((nearest > self.high) | (nearest < self.low)))
        if self.thresholds is None:
            return np.clip(nearest, self.low, self.high).astype(np.int64), saturated
        codes = np.empty(z.shape, dtype=np.int64)
        for channel, table in enumerate(self.thresholds):
            codes[..., channel] = self.low + np.searchsorted(table, z[..., channel], side="right")
        return codes, saturated
